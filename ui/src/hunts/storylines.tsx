import { useState } from "react";
import { Button, Group } from "@mantine/core";
import type { Said } from "../api/types";
import { Moment, OutcomeMark, SeverityMark } from "../components/badges";
import { useLanguage } from "../i18n";
import { lookOf, OUTCOMES, type Outcome, type Severity } from "../words";

/** See `docs/hunt.schema.json`. */
export interface Story {
  id: string;
  title: Said;
  outcome: string;
  severity: Severity;
  from: string;
  to: string;
  stages: string[];
  attack: string[];
  links: string[];
  findings: string[];
  hosts: string[];
}

const at = (text: string) => new Date(text).getTime();
const toneOf = (outcome: string) => (outcome in OUTCOMES ? OUTCOMES[outcome as Outcome].tone : lookOf("verdict", "unknown").tone);

/** What happened, told as stories: a line each on one time axis, which can be narrowed down. */
export function Storylines({ stories }: { stories: Story[] }) {
  const { t, tn, locale, time } = useLanguage();
  const first = Math.min(...stories.map((story) => at(story.from)));
  const last = Math.max(...stories.map((story) => at(story.to)));
  const [range, setRange] = useState<[number, number] | null>(null);
  if (stories.length === 0) return null;
  const [from, to] = range ?? [first, Math.max(last, first + 60_000)];
  const x = (text: string) => (1000 * (at(text) - from)) / (to - from);
  const zoom = (story: Story) => {
    const margin = Math.max(60_000, (at(story.to) - at(story.from)) / 10);
    setRange([at(story.from) - margin, at(story.to) + margin]);
  };
  return (
    <>
      <h3>{t("story.title")}</h3>
      <Group gap="xs" mb={4}>
        <span className="muted small">{time(new Date(from).toISOString())} – {time(new Date(to).toISOString())}</span>
        {range && <Button size="compact-xs" variant="default" onClick={() => setRange(null)}>{t("story.all")}</Button>}
      </Group>
      <ol className="stories">
        {stories.map((story) => (
          <li key={story.id} className={`tone-${toneOf(story.outcome)}`}>
            <p><strong>{story.id} {story.title[locale]}</strong></p>
            <svg className="band" viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true">
              <path d="M0 7H1000" stroke="var(--rule)" />
              <rect x={x(story.from)} width={Math.max(4, x(story.to) - x(story.from))} y="2" height="10" fill="var(--tone)" />
            </svg>
            <p className="row-line small">
              <SeverityMark severity={story.severity} /> <OutcomeMark outcome={story.outcome} />
              <span className="muted"><Moment at={story.from} /> – <Moment at={story.to} /> · {tn("story.findings", story.findings.length)}</span>
              <Button size="compact-xs" variant="default" onClick={() => zoom(story)} aria-label={t("story.zoom_to", { id: story.id })}>{t("story.zoom")}</Button>
            </p>
            {story.hosts.length > 0 && <p className="small">{t("story.onward", { hosts: story.hosts.join(", ") })}</p>}
            {story.attack.length > 0 && <p className="small muted mono">{story.attack.join(" ")}</p>}
          </li>
        ))}
      </ol>
    </>
  );
}
