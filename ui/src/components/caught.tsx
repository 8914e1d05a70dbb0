import { Alert, Button } from "@mantine/core";
import { Component, type ReactNode } from "react";
import { useLocation } from "react-router";
import { useLanguage } from "../i18n";
import { Sign } from "./signs";

/** A page that fails stands alone for it: what is around it stays, and another page is shown as ever. */
export function Caught({ children }: { children: ReactNode }) {
  const { pathname } = useLocation();
  return <Boundary at={pathname}>{children}</Boundary>;
}

interface Props {
  at: string;
  children: ReactNode;
}

class Boundary extends Component<Props, { failed: { error: unknown } | null }> {
  override state: { failed: { error: unknown } | null } = { failed: null };

  static getDerivedStateFromError(error: unknown) {
    return { failed: { error } };
  }

  override componentDidUpdate(before: Props) {
    if (this.state.failed && before.at !== this.props.at) this.setState({ failed: null });
  }

  override render() {
    return this.state.failed ? <Broken error={this.state.failed.error} /> : this.props.children;
  }
}

function Broken({ error }: { error: unknown }) {
  const { t } = useLanguage();
  return (
    <div className="alone">
      <h1>{t("state.broken")}</h1>
      <Alert role="alert" color="red" variant="outline" title={t("state.broken_todo")} icon={<Sign shape="cross" />} className="problem">
        <p className="mono">{String(error)}</p>
        <Button size="xs" mt="sm" variant="default" onClick={() => window.location.reload()}>{t("act.reload")}</Button>
      </Alert>
    </div>
  );
}
