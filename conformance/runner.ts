import { ACTIONS, type World } from './actions.ts'
import { NoAnswer } from './client.ts'
import { match } from './match.ts'
import type { Case, Exchange, Expectation, Mark, Need, Preparation, Problem, Result, Step } from './model.ts'
import { fill, getAt, MissingVariable, type Scope } from './template.ts'
import { newValues } from './values.ts'

const MARKS: readonly Mark[] = ['documented', 'chosen']
const UNTIL_MS = 15_000
const PAUSE_MS = 50

export interface Runner {
  /** Runs one case and tells of each mark that it has something to say about. */
  run(section: string, one: Case): Promise<Result[]>
}

/** Why something can't be tried against this server, by what it would need. */
export type Lacks = Partial<Record<Need, string>>

type Problems = Record<Mark, Problem[]>

/** A preparation failed; the cases that stand on it fail with what it met. */
class BrokenPreparation extends Error {
  readonly problem: Problem
  constructor(name: string, problem: Problem) {
    super(`Preparing "${name}" failed`)
    this.problem = { ...problem, where: `while preparing "${name}": ${problem.where}` }
  }
}

export function createRunner(given: {
  world: World
  lacks: Lacks
  preparations: Record<string, Preparation>
  /** Variables that every case has. */
  constants: Scope
}): Runner {
  const { world, lacks, preparations, constants } = given
  const prepared = new Map<string, Promise<Scope>>()

  async function run(section: string, one: Case): Promise<Result[]> {
    const begun = performance.now()
    const marks = MARKS.filter((mark) => one.steps.some((step) => step[mark]))
    const make = (mark: Mark, rest: Pick<Result, 'outcome' | 'problems' | 'reason'>): Result => ({
      section,
      id: one.id,
      title: one.title,
      mark,
      durationMs: performance.now() - begun,
      ...rest,
    })
    const reason = findLack(one)
    if (reason) return marks.map((mark) => make(mark, { outcome: 'skipped', problems: [], reason }))
    const problems: Problems = { documented: [], chosen: [] }
    for (const row of one.each ?? [{}]) await runRow(one, row, problems)
    return marks.map((mark) =>
      make(mark, { outcome: problems[mark].length > 0 ? 'failed' : 'passed', problems: problems[mark] }),
    )
  }

  function findLack({ needs = [], uses = [], fresh = [] }: Partial<Case>): string | undefined {
    for (const need of needs) if (lacks[need]) return lacks[need]
    for (const name of [...uses, ...fresh]) {
      const lack = findLack(preparation(name))
      if (lack) return lack
    }
    return undefined
  }

  function preparation(name: string): Preparation {
    const known = preparations[name]
    if (!known) throw new Error(`There is no preparation ${name}.`)
    return known
  }

  /** What is found wrong is added to `problems`, with the row it was found in. */
  async function runRow(one: Case, row: Scope, problems: Problems): Promise<void> {
    const label = one.each ? JSON.stringify(row) : undefined
    const reached = new Set<Step>()
    const add = (mark: Mark, problem: Problem): void =>
      void problems[mark].push(label === undefined ? problem : { ...problem, row: label })
    try {
      const scope: Scope = Object.assign(Object.create(constants), newValues())
      for (const name of one.uses ?? []) Object.assign(scope, await prepare(name))
      for (const name of one.fresh ?? []) Object.assign(scope, await runPreparation(name))
      Object.assign(scope, fill(row, scope))
      for (const step of one.steps) {
        reached.add(step)
        await runStep(step, scope, add)
      }
    } catch (error) {
      const problem = problemOf(error)
      const left = one.steps.filter((step) => !reached.has(step))
      const last = [...reached].at(-1)
      for (const mark of MARKS) {
        if ([...left, ...(last ? [last] : [])].some((step) => step[mark])) add(mark, problem)
        // A step that only prepares is judged by all that the case says.
        else if (last && !last.documented && !last.chosen && one.steps.some((step) => step[mark])) {
          add(mark, problem)
        }
      }
    }
  }

  function prepare(name: string): Promise<Scope> {
    const known = prepared.get(name) ?? runPreparation(name)
    prepared.set(name, known)
    return known
  }

  async function runPreparation(name: string): Promise<Scope> {
    const { uses = [], steps } = preparation(name)
    const scope: Scope = Object.assign(Object.create(constants), newValues())
    const saved: Scope = {}
    for (const used of uses) Object.assign(saved, await prepare(used))
    Object.assign(scope, saved)
    try {
      for (const step of steps) {
        const found: Problem[] = []
        await runStep(step, scope, (_mark, problem) => void found.push(problem))
        if (found[0]) throw new BrokenPreparation(name, found[0])
        for (const variable of Object.keys(step.save ?? {})) saved[variable] = scope[variable]
      }
    } catch (error) {
      throw error instanceof BrokenPreparation ? error : new BrokenPreparation(name, problemOf(error))
    }
    return saved
  }

  async function runStep(
    step: Step,
    scope: Scope,
    add: (mark: Mark, problem: Problem) => void,
  ): Promise<void> {
    const exchange = await untilItIs(step, scope)
    for (const mark of MARKS) {
      const expectation = step[mark]
      if (!expectation) continue
      const filled = fill(expectation, scope)
      for (const problem of judge(filled, exchange)) add(mark, { ...problem, exchange })
    }
    for (const [variable, path] of Object.entries(step.save ?? {})) {
      const value = read(exchange, path)
      if (value === undefined) throw new Unsaved(path, exchange)
      scope[variable] = value
    }
  }

  async function untilItIs(step: Step, scope: Scope): Promise<Exchange> {
    const deadline = performance.now() + (step.withinMs ?? UNTIL_MS)
    for (;;) {
      const exchange = await perform(step, scope)
      if (!step.until) return exchange
      const open = judge(fill(step.until, scope), exchange)
      if (open.length === 0) return exchange
      if (performance.now() > deadline) throw new Unsaved(`in vain for ${open[0]!.where}`, exchange, open[0])
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  async function perform(step: Step, scope: Scope): Promise<Exchange> {
    if (step.request) return world.client.send(fill(step.request, scope))
    const action = ACTIONS[step.do ?? '']
    if (!action) throw new Error(`There is no action ${step.do}.`)
    return action(world, fill(step.with ?? {}, scope) as never)
  }

  return { run }
}

/** The answer lacks what the case goes on with, or never became what it waited for. */
class Unsaved extends Error {
  readonly problem: Problem
  constructor(path: string, exchange: Exchange, open?: { where: string; expected: string; got: string }) {
    super(`The answer has no ${path}.`)
    this.problem = open
      ? { ...open, where: `waited ${path}`, exchange }
      : { where: path, expected: 'a value to go on with', got: exchange.answer.text.slice(0, 600), exchange }
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof Unsaved || error instanceof BrokenPreparation) return error.problem
  if (error instanceof NoAnswer || error instanceof MissingVariable) {
    return { where: 'request', expected: 'an answer', got: error.message }
  }
  if (error instanceof Error && error.message.includes('answers no list')) {
    return { where: 'data', expected: 'a list', got: error.message }
  }
  throw error
}

function judge({ status, headers, body, text }: Expectation, { answer }: Exchange) {
  return [
    ...(status === undefined ? [] : match(status, answer.status, answer, 'HTTP status')),
    ...Object.entries(headers ?? {}).flatMap(([name, expected]) =>
      match(expected, answer.headers[name.toLowerCase()], answer, `header ${name}`),
    ),
    ...(body === undefined ? [] : match(body, answer.body)),
    ...(text === undefined || text === answer.text
      ? []
      : [{ where: 'body', expected: text, got: answer.text }]),
  ]
}

function read({ answer }: Exchange, path: string): unknown {
  if (path === '$text') return answer.text
  if (path.startsWith('header:')) return answer.headers[path.slice('header:'.length).toLowerCase()]
  return getAt(answer.body, path)
}
