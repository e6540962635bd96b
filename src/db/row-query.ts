import pg from 'pg'
import { camelCaseNames } from './camel-case-names.ts'

interface Field {
  name: string
}

/** What the rows of a statement are made of: the driver's own words. */
interface RowShape {
  fields: readonly Field[]
  _parsers: readonly unknown[] | undefined
  /** All names with null, which each row begins as. */
  _prebuiltEmptyResultObject: object | null
}

/** The shapes of the statements that one connection has prepared, by their names. */
export type RowShapes = Map<string, RowShape>

type Answered = (error: Error | undefined, result: pg.QueryResult) => void

/** What the driver's types leave out of its query, which asks to be extended: https://node-postgres.com/apis/client. */
interface DriverQuery extends pg.Submittable {
  name: string | undefined
  values: unknown[]
  _result: RowShape
  _accumulateRows: boolean
  hasBeenParsed(connection: DriverConnection): boolean
  prepare(connection: DriverConnection): void
  handleRowDescription(message: { fields: Field[] }): void
  handleCommandComplete(message: unknown, connection: DriverConnection): void
  handleError(error: unknown, connection: DriverConnection): void
}

interface DriverConnection {
  bind(values: object): void
  execute(portal: object): void
  sync(): void
}

const DriverQuery = pg.Query as unknown as new (
  text: string,
  values: unknown[],
  answered: Answered,
) => DriverQuery
const { prepareValue } = (pg as unknown as { utils: { prepareValue(value: unknown): unknown } }).utils

/**
 * A query whose rows have `camelCase` names from the start: copying them to give them their names cost as much as reading them.
 * The columns of a statement that the connection has prepared are asked for once; they can't change, as the server refuses the
 * statement then.
 */
export class RowQuery extends DriverQuery {
  readonly #shapes: RowShapes

  constructor(
    text: string,
    values: unknown[],
    name: string | undefined,
    shapes: RowShapes,
    answered: Answered,
  ) {
    super(text, values, answered)
    this.name = name
    this.#shapes = shapes
  }

  override prepare(connection: DriverConnection): void {
    const shape = this.name && this.hasBeenParsed(connection) ? this.#shapes.get(this.name) : undefined
    if (!shape) {
      super.prepare(connection)
      return
    }
    this.#take(shape)
    try {
      connection.bind({ statement: this.name, values: this.values, valueMapper: prepareValue })
    } catch (error) {
      connection.sync()
      this.handleError(error, connection)
      return
    }
    connection.execute({})
    connection.sync()
  }

  override handleRowDescription(message: { fields: Field[] }): void {
    for (const field of message.fields) field.name = camelCaseNames.nameOf(field.name)
    super.handleRowDescription(message)
    // An object that was read from JSON has room for all it has, and is copied at once; one made name by name grows with each.
    const empty = message.fields.map(({ name }) => `${JSON.stringify(name)}:null`)
    this._result._prebuiltEmptyResultObject = JSON.parse(`{${empty}}`)
  }

  override handleCommandComplete(message: unknown, connection: DriverConnection): void {
    super.handleCommandComplete(message, connection)
    if (!this.name || this.#shapes.has(this.name)) return
    const { fields, _parsers, _prebuiltEmptyResultObject } = this._result
    this.#shapes.set(this.name, { fields, _parsers, _prebuiltEmptyResultObject })
  }

  #take({ fields, _parsers, _prebuiltEmptyResultObject }: RowShape): void {
    this._result.fields = fields
    this._result._parsers = _parsers
    this._result._prebuiltEmptyResultObject = _prebuiltEmptyResultObject
    this._accumulateRows = true
  }
}
