import { Button, Checkbox, Menu, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { api, need, once } from "../api/client";
import { useMay } from "../api/session";
import type { SavedView } from "../api/types";
import { useLanguage } from "../i18n";
import { Form } from "./form";
import { sayProblem } from "./states";

/** The filters of a list under names: one's own and the team's. The address stays what says which are in force. */
export function Views({ page, onChoose }: { page: SavedView["page"]; onChoose?: (query: string) => void }) {
  const language = useLanguage();
  const { t } = language;
  const queries = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const [saving, setSaving] = useState(false);
  const views = useQuery({ queryKey: ["views", page], queryFn: () => need(api.GET("/api/v1/views", { params: { query: { page } } })), staleTime: 60_000 });
  const again = () => void queries.invalidateQueries({ queryKey: ["views", page] });
  const remove = useMutation({ mutationFn: (id: string) => need(api.DELETE("/api/v1/views/{id}", { params: { path: { id } } })), onSettled: again, onError: (error) => sayProblem(error, language) });
  const current = search.toString();
  const chosen = views.data?.find((view) => view.query === current && current !== "");
  const mine = views.data?.filter((view) => view.own) ?? [];
  const team = views.data?.filter((view) => !view.own) ?? [];
  const choose = (query: string) => {
    setSearch(new URLSearchParams(query));
    onChoose?.(query);
  };
  const item = (view: SavedView) => <Menu.Item key={view.id} onClick={() => choose(view.query)} rightSection={view.own ? undefined : <span className="muted small">{view.owner}</span>}>{view.name}{view.own && view.shared ? ` · ${t("view.shared")}` : ""}</Menu.Item>;
  return (
    <>
      <Menu position="bottom-start" shadow="md" withInitialFocusPlaceholder={false}>
        <Menu.Target><Button variant="default" size="sm">{chosen ? chosen.name : t("view.title")}</Button></Menu.Target>
        <Menu.Dropdown>
          {mine.length > 0 && <Menu.Label>{t("view.own")}</Menu.Label>}
          {mine.map(item)}
          {team.length > 0 && <Menu.Label>{t("view.team")}</Menu.Label>}
          {team.map(item)}
          {views.data?.length === 0 && <Menu.Label>{t("view.none")}</Menu.Label>}
          <Menu.Divider />
          <Menu.Item disabled={current === ""} onClick={() => setSaving(true)}>{t("view.save")}</Menu.Item>
          {chosen?.own && <Menu.Item onClick={() => remove.mutate(chosen.id)}>{t("view.remove", { name: chosen.name })}</Menu.Item>}
        </Menu.Dropdown>
      </Menu>
      {saving && <Save page={page} query={current} mine={mine} onClose={() => setSaving(false)} />}
    </>
  );
}

/** A name for the filters as they are now; one's own of that name is replaced. */
function Save({ page, query, mine, onClose }: { page: SavedView["page"]; query: string; mine: SavedView[]; onClose: () => void }) {
  const { t } = useLanguage();
  const queries = useQueryClient();
  const share = useMay("read_internal");
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const before = mine.find((view) => view.name.toLowerCase() === name.trim().toLowerCase());
  const save = useMutation({
    mutationFn: () => {
      const fields = { name: name.trim(), query, shared };
      return before
        ? need(api.PUT("/api/v1/views/{id}", { params: { path: { id: before.id }, header: { "If-Match": `"${before.revision}"` } }, body: fields }))
        : need(api.POST("/api/v1/views", { params: { header: { "Idempotency-Key": once() } }, body: { page, fields } }));
    },
    onSuccess: onClose,
    onSettled: () => void queries.invalidateQueries({ queryKey: ["views", page] }),
  });
  return (
    <Form title={t("view.save")} ready={name.trim() !== ""} pending={save.isPending} error={save.error} onClose={onClose} onSubmit={() => save.mutate()}>
      <TextInput label={t("tenant.name")} description={before ? t("view.replaces") : undefined} required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
      {share && <Checkbox label={t("view.share")} description={t("view.share_what")} checked={shared} onChange={(event) => setShared(event.currentTarget.checked)} />}
    </Form>
  );
}
