import pg from 'pg'
import { camelCaseNames } from './camel-case-names.ts'
import { type ColumnReader, columnReader } from './column-readers.ts'
import { LENGTH_BYTES, type RowMessage } from './row-messages.ts'

interface Field {
  name: string
  dataTypeID: number
}

/** What the rows of a statement are made of. */
interface RowShape {
  names: readonly string[]
  readers: readonly ColumnReader[]
  /** All names with null, which each row begins as. */
  empty: Readonly<Record<string, unknown>>
}

/** The shapes of the statements that one connection has prepared, by their names. */
export type RowShapes = Map<string, RowShape>

type Answered = (error: Error | undefined, result: pg.QueryResult) => void

/** What the driver's types leave out of its query, which asks to be extended: https://node-postgres.com/apis/client. */
interface DriverQuery extends pg.Submittable {
  name: string | undefined
  values: unknown[]
  _result: { _parsers: ((text: string) => unknown)[]; addRow(row: object): void }
  _canceledDueToError: unknown
  hasBeenParsed(connection: DriverConnection): boolean
  prepare(connection: DriverConnection): void
  handleRowDescription(message: { fields: readonly Field[] }): void
  handleDataRow(message: RowMessage): void
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
 * A query whose rows have `camelCase` names from the start: copying them to give them their names cost as much as making them.
 * The columns of a statement that the connection has prepared are asked for once; they can't change, as the server refuses the
 * statement then.
 */
export class RowQuery extends DriverQuery {
  readonly #shapes: RowShapes
  #shape: RowShape = NO_ROWS

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
    this.#shape = shape
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

  override handleRowDescription(message: { fields: readonly Field[] }): void {
    super.handleRowDescription(message)
    this.#shape = shapeOf(message.fields, this._result._parsers)
  }

  override handleDataRow(message: RowMessage): void {
    if (this._canceledDueToError) return
    try {
      this._result.addRow(readRow(this.#shape, message))
    } catch (error) {
      this._canceledDueToError = error
    }
  }

  override handleCommandComplete(message: unknown, connection: DriverConnection): void {
    super.handleCommandComplete(message, connection)
    if (this.name) this.#shapes.set(this.name, this.#shape)
  }
}

const NO_ROWS: RowShape = { names: [], readers: [], empty: {} }

function shapeOf(fields: readonly Field[], parsers: readonly ((text: string) => unknown)[]): RowShape {
  const names = fields.map(({ name }) => camelCaseNames.nameOf(name))
  // An object that was read from JSON has room for all it has, and is copied at once; one made name by name grows with each.
  const empty = JSON.parse(`{${names.map((name) => `${JSON.stringify(name)}:null`)}}`)
  return { names, readers: fields.map(({ dataTypeID }, at) => columnReader(dataTypeID, parsers[at]!)), empty }
}

function readRow({ names, readers, empty }: RowShape, { bytes, columns, start }: RowMessage): object {
  if (columns !== names.length)
    throw new Error(`A row of ${columns} columns came where ${names.length} were announced.`)
  const row = { ...empty }
  let at = start
  for (let column = 0; column < columns; column += 1) {
    const length = bytes.readInt32BE(at)
    at += LENGTH_BYTES
    if (length < 0) {
      row[names[column]!] = null
    } else {
      row[names[column]!] = readers[column]!(bytes, at, at + length)
      at += length
    }
  }
  return row
}
