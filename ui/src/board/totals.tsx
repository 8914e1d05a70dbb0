import type { Board } from "../api/types";
import { Word } from "../components/badges";
import { useLanguage } from "../i18n";
import { rankOf } from "../words";
import type { Filter } from "./filter";

/** How many servers say what, of how many: one box per stage. A click on an exposure or a verdict asks for those. */
export function Totals({ board, onPick }: { board: Board; onPick: (change: Partial<Filter>) => void }) {
  const { t, number, percent } = useLanguage();
  const of = board.servers_matching;
  return (
    <ul className="totals">
      {board.stages.map(({ stage, counts, words }) => (
        <li key={stage} className="panel">
          <h2>{t(`stage.${stage}`)}</h2>
          <p className="muted small">{t("board.answered", { n: number(of - counts.unknown), of: number(of), share: percent(of - counts.unknown, of) })}</p>
          <ul>
            {[...words].sort((a, b) => rankOf(stage, a.detail) - rankOf(stage, b.detail)).map(({ detail, count }) => {
              const word = <Word stage={stage} word={detail} count={count} plain />;
              return (
                <li key={detail}>
                  {stage === "verdict" || stage === "exposure" ? <button type="button" className="pick" onClick={() => onPick({ [stage]: [detail] })}>{word}</button> : word}
                </li>
              );
            })}
          </ul>
        </li>
      ))}
    </ul>
  );
}
