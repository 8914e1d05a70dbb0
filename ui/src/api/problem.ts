/** An error of the server, `application/problem+json`. */
export interface Problem {
  /** What kind of problem: `urn:vigie:problem:conflict`. */
  type?: string;
  title: string;
  status: number;
  detail?: string;
  what_to_do?: string;
  /** Of 409 and 412: the revision there is now. */
  current?: number;
}

/** What every failed call throws. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = "ProblemError";
    this.problem = problem;
  }
}

/** The problem behind anything that was thrown; `status` 0: the server did not answer. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  return { title: "", status: 0, detail: error instanceof Error ? error.message : String(error) };
}

/** The problem in an answer that is not a success. */
export function asProblem(body: unknown, response: Response): Problem {
  const given = typeof body === "object" && body !== null ? (body as Partial<Problem>) : {};
  return { ...given, title: given.title ?? response.statusText, status: response.status };
}
