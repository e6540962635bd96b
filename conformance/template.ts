/** The variables of a case: what was given, prepared and saved so far. */
export type Scope = Record<string, unknown>

/**
 * Puts variables into a case's data: `{{name}}` or `{{name.field}}` in any text, keys too. A text that is one
 * variable and nothing else becomes its value, whatever the type: `"{{user_id}}"` may become the number 100001.
 * Throws when there is no such variable.
 */
export function fill<T>(value: T, scope: Scope): T {
  return fillAny(value, scope) as T
}

function fillAny(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') return fillText(value, scope)
  if (Array.isArray(value)) return value.map((inner) => fillAny(inner, scope))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [String(fillText(key, scope)), fillAny(inner, scope)]),
  )
}

function fillText(text: string, scope: Scope): unknown {
  const whole = /^\{\{([\w.]+)\}\}$/.exec(text)
  if (whole) return lookUp(scope, whole[1] as string)
  return text.replaceAll(/\{\{([\w.]+)\}\}/g, (_, name: string) => String(lookUp(scope, name)))
}

function lookUp(scope: Scope, name: string): unknown {
  const [first = '', ...rest] = name.split('.')
  const value = rest.length === 0 ? scope[first] : getAt(scope[first], rest.join('.'))
  if (value === undefined) throw new MissingVariable(name)
  return value
}

/** A step needs what an earlier one was to give, and didn't. */
export class MissingVariable extends Error {
  constructor(name: string) {
    super(`There is no ${name}: an earlier step did not give it.`)
  }
}

/** The value at a path such as `data.id` or `data.0.status`; undefined when there is none. */
export function getAt(value: unknown, path: string): unknown {
  let at = value
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return at
}
