import type { Key, Language } from "./i18n";

/** Everything that is recorded, by the name it has in the log. */
const ACTS = [
  "account.change", "account.create", "account.disable", "account.enable", "account.end_session", "account.first_admin", "account.invite", "account.link",
  "account.password", "account.sign_in", "account.totp_off", "account.totp_on", "account.unlink",
  "alert.acknowledged", "alert.dismissed", "alert.new", "alert.receive", "audit.export", "audit.root", "backup.create", "backup.restore",
  "campaign.assess", "campaign.close", "campaign.join", "campaign.leave", "campaign.open", "campaign.reopen", "campaign.revise",
  "case.assign", "case.change", "case.entity", "case.entity_change", "case.entity_remove", "case.link", "case.moment", "case.moment_change", "case.moment_remove",
  "case.note", "case.note_change", "case.note_remove", "case.open", "case.servers", "case.state", "case.take", "case.task", "case.task_change", "case.task_remove",
  "case.unlink", "cell.say", "dismissal.expire", "dismissal.revoke", "evidence.change", "evidence.expire", "evidence.export", "evidence.hold", "evidence.read", "evidence.receive",
  "evidence.release", "evidence.verify", "finding.accepted", "finding.dismissed", "finding.escalated", "finding.new", "hunt.done", "job.cancel", "job.enqueue",
  "job.retry", "key.create", "key.revoke", "observation.add", "observation.import", "say", "server.archive", "server.change", "server.create", "server.rejudge", "server.restore",
  "tenant.archive", "tenant.change", "tenant.create", "tenant.restore", "upload.abort", "upload.begin", "view.change", "view.remove", "view.save",
] as const;

/** What was done, in words; one that is not known stays as it is in the log. */
export function sayAct(action: string, { t }: Pick<Language, "t">): string {
  return ACTS.includes(action as (typeof ACTS)[number]) ? t(`did.${action.replace(".", "_")}` as Key) : action;
}

const PHASES = ["opening", "hunting", "judging", "keeping"] as const;

/** How far a job is, in words. */
export function sayPhase(phase: string | undefined, { t }: Pick<Language, "t">): string {
  const known = PHASES.find((one) => one === phase);
  return known ? t(`phase.${known}`) : (phase ?? "");
}

/** The parts of the desk that act by themselves. */
const PARTS = ["backup", "catalogue", "demo", "hunt", "maintenance", "restore", "retention", "staleness", "uploads", "verify"] as const;

/** Who said or did something: people by their names, parts of the desk in words. */
export function sayWho(name: string, { t }: Pick<Language, "t">): string {
  const part = PARTS.find((known) => known === name);
  return part ? t(`part.${part}`) : name;
}
