import { rankOf, type Stage } from "../words";

const DASHES = ["solid", [6, 3], [2, 2], [8, 3, 2, 3], [1, 3]] as const;

/** How the line of a word is dashed, so that colour never stands alone. */
export const dashOf = (stage: Stage, word: string) => DASHES[rankOf(stage, word) % DASHES.length]!;
