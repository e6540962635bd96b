/** The shapes of the data files in `cases/` and of what a run finds. */

/** `documented`: fixed by the public documentation. `chosen`: fixed where that is silent. They are reported apart. */
export type Mark = 'documented' | 'chosen'

export interface RequestSpec {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS'
  path: string
  query?: Record<string, unknown>
  json?: unknown
  form?: Record<string, string>
  /** The body as it is, with `type` as its content type. */
  text?: string
  /** The body's bytes. */
  base64?: string
  type?: string
  headers?: Record<string, string>
  /** Whose token is sent; the first pair's unless told. */
  as?: 'first' | 'second' | 'nobody'
  /** Sends `Prefer: http-status`. */
  honest?: boolean
}

export interface Expectation {
  status?: unknown
  headers?: Record<string, unknown>
  body?: unknown
  /** The body's bytes as text, to the letter. */
  text?: string
}

/** One request or one action, and what its answer must be by each of the two marks. */
export interface Step {
  request?: RequestSpec
  /** An action of `actions.ts`, and what it is given. */
  do?: string
  with?: Record<string, unknown>
  /** Repeats the step until its answer is this; then it is judged. */
  until?: Expectation
  withinMs?: number
  documented?: Expectation
  chosen?: Expectation
  /** Variables for later steps: a path in the answer's body, `$text`, or `header:<name>`. */
  save?: Record<string, string>
}

export type Need = 'sandbox' | 'second'

export interface Preparation {
  needs?: Need[]
  uses?: string[]
  steps: Step[]
}

export interface Case extends Preparation {
  id: string
  title: string
  /** Prepared for this case alone, where `uses` shares one among all. */
  fresh?: string[]
  /** The steps run once with each of these sets of variables. */
  each?: Record<string, unknown>[]
}

export interface Section {
  section: string
  /** Moves the clock or strains limits: runs after all others. */
  last?: boolean
  cases: Case[]
}

/** What a request or an action answered. */
export interface Answer {
  status: number
  headers: Record<string, string>
  body: unknown
  text: string
}

/** An answer with the request it belongs to, as reports show it. */
export interface Exchange {
  answer: Answer
  curl: string
}

export interface Problem {
  where: string
  expected: string
  got: string
  /** The row of `each`, when there is one. */
  row?: string
  exchange?: Exchange
}

export type Outcome = 'passed' | 'failed' | 'skipped'

export interface Result {
  section: string
  id: string
  title: string
  mark: Mark
  outcome: Outcome
  problems: Problem[]
  /** Why it was skipped. */
  reason?: string
  durationMs: number
}
