import { Button, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "react-router";
import { api, need } from "../api/client";
import { useMay } from "../api/session";
import { useServers, useTenants } from "../api/tenants";
import type { Evidence } from "../api/types";
import { Mark, Moment } from "../components/badges";
import { Loaded, sayProblem } from "../components/states";
import { Custody } from "../evidence/custody";
import { EditEvidence } from "../evidence/edit";
import { HoldsOf } from "../evidence/holds";
import { TakeOut } from "../evidence/take-out";
import { Who } from "../components/who";
import { useLanguage } from "../i18n";

/** One piece of evidence: what it is, who had it in hand, whether it is still what was received. */
export default function Piece() {
  const { id = "" } = useParams();
  const { t } = useLanguage();
  const piece = useQuery({ queryKey: ["evidence", "one", id], queryFn: () => need(api.GET("/api/v1/evidence/{id}", { params: { path: { id } } })) });
  const may = { change: useMay("evidence"), read: useMay("evidence_read") };
  const [editing, { open: edit, close: edited }] = useDisclosure();
  const [taking, { open: take, close: taken }] = useDisclosure();
  return (
    <Loaded query={piece}>
      {(one) => (
        <>
          <header className="page-head">
            <div>
              <h1>{one.name}</h1>
              <p className="muted small"><Link to="/evidence">{t("nav.evidence")}</Link></p>
            </div>
            <Group gap="xs">
              {may.change && !one.deleted_at && <Button variant="default" onClick={edit}>{t("act.change")}</Button>}
              {may.read && !one.deleted_at && <Button variant="default" onClick={take}>{t("evidence.export")}</Button>}
            </Group>
          </header>
          <Facts one={one} mayVerify={may.read && !one.deleted_at} />
          <HoldsOf tenant={one.tenant_id} evidence={one.id} />
          <Custody id={one.id} />
          {editing && <EditEvidence one={one} onClose={edited} />}
          {taking && <TakeOut one={one} onClose={taken} />}
        </>
      )}
    </Loaded>
  );
}

function Facts({ one, mayVerify }: { one: Evidence; mayVerify: boolean }) {
  const language = useLanguage();
  const { t, bytes, number } = language;
  const queries = useQueryClient();
  const tenants = useTenants();
  const servers = useServers(one.tenant_id);
  const verify = useMutation({
    mutationFn: () => need(api.POST("/api/v1/evidence/{id}/verify", { params: { path: { id: one.id } } })),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["evidence", "custody", one.id] }),
    onError: (error) => sayProblem(error, language),
  });
  return (
    <section className="panel">
      <dl className="facts">
        <dt>{t("word.tenant")}</dt><dd><Link to={`/tenants/${one.tenant_id}`}>{tenants.data?.find(({ id }) => id === one.tenant_id)?.name ?? t("word.tenant")}</Link></dd>
        <dt>{t("word.server")}</dt><dd>{one.server_id ? <Link to={`/servers/${one.server_id}`}>{servers.data?.find(({ id }) => id === one.server_id)?.name ?? t("word.server")}</Link> : <span className="muted">{t("evidence.no_server")}</span>}</dd>
        {one.campaign_id && <><dt>{t("word.campaign")}</dt><dd><Link to={`/campaigns/${one.campaign_id}`}>{t("case.board")}</Link></dd></>}
        <dt>{t("evidence.size")}</dt><dd className="num">{bytes(one.size)} ({t("evidence.bytes", { n: number(one.size) })})</dd>
        <dt>SHA-256</dt><dd className="mono">{one.sha256}</dd>
        {one.acquired_at && <><dt>{t("evidence.acquired")}</dt><dd><Moment at={one.acquired_at} /></dd></>}
        <dt>{t("evidence.received")}</dt><dd><Moment at={one.received_at} /> · <Who name={one.received_by} /></dd>
        <dt>{t("evidence.until")}</dt><dd>{one.retention_until ? <Moment at={one.retention_until} /> : t("evidence.for_good")}{one.held && <> · <Mark shape="closed" tone="suspected">{t("evidence.held")}</Mark></>}</dd>
        {one.deleted_at && <><dt>{t("evidence.deleted")}</dt><dd><Moment at={one.deleted_at} /></dd></>}
        {one.note && <><dt>{t("case.note")}</dt><dd>{one.note}</dd></>}
      </dl>
      {mayVerify && <Button mt="sm" variant="default" loading={verify.isPending} onClick={() => verify.mutate()}>{t("evidence.verify")}</Button>}
      {verify.data && (
        <p role="status">
          {verify.data.sound
            ? <Mark shape="tick" tone="calm">{t("evidence.sound", { n: number(verify.data.bytes) })}</Mark>
            : <><Mark shape="cross" tone="compromised">{t("evidence.damaged")}</Mark> {verify.data.problem}</>}
        </p>
      )}
    </section>
  );
}
