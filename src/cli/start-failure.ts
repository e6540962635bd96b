import { EmbeddedDatabaseError } from '../db/embedded.ts'
import { type Config, ConfigError } from '../kernel/config.ts'

/** What kept the program from starting, as a paragraph for a person: what is wrong, and how to mend it. */
export class StartFailure extends Error {
  constructor(problem: string, mend: string, cause?: unknown) {
    super(`${problem} ${mend}`, { cause })
    this.name = 'StartFailure'
  }
}

/** The paragraphs to show. `where` is the log that has the whole error, once there is one. */
export function explainFailure(error: unknown, where: string | undefined): string[] {
  if (error instanceof ConfigError) return error.problems.map(({ problem, mend }) => `${problem} ${mend}`)
  if (error instanceof StartFailure || error instanceof EmbeddedDatabaseError) return [error.message]
  const { code, path, message } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC') return ['There is no room left on the disk. Make some and start again.']
  if (path && (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')) {
    return [
      `${path} can't be written (${code}). Give this user the right to it, or name another folder with DATA_DIR.`,
    ]
  }
  const causes: string[] = []
  for (let at: unknown = error; at instanceof Error; at = at.cause) causes.push(at.message)
  return [`${causes.join(' ') || message || String(error)}${where ? ` The whole error is in ${where}.` : ''}`]
}

/** What a socket refused to do when it was told to listen. */
export function listenFailure(
  error: NodeJS.ErrnoException,
  { host, port }: Config,
  running: boolean,
): StartFailure {
  if (error.code === 'EADDRINUSE') {
    const other = Math.min(port + 1, 65_535)
    return running
      ? new StartFailure(
          `A CryptoPocket is running already at ${host} port ${port}.`,
          `Use that one, stop it, or start a second one beside it with PORT=${other} DATA_DIR=./.data-${other} npm start.`,
          error,
        )
      : new StartFailure(
          `Port ${port} of ${host} is taken by another program.`,
          `Stop that one, or take another port: PORT=${other} npm start.`,
          error,
        )
  }
  if (error.code === 'EACCES') {
    return new StartFailure(
      `This user may not listen on port ${port}.`,
      'Take one from 1024 on with PORT.',
      error,
    )
  }
  return new StartFailure(
    `${host} is no address of this machine (${error.code}).`,
    'Set HOST to 127.0.0.1, to 0.0.0.0 for every address, or leave it out.',
    error,
  )
}

/** What a database that the operator named answered to the first call. */
export function databaseFailure(error: Error & { code?: string }): StartFailure {
  const { code = '', message } = error
  if (['28P01', '28000'].includes(code)) {
    return new StartFailure(
      'The database refuses the user or password of DATABASE_URL.',
      'Correct it.',
      error,
    )
  }
  if (code === '3D000') {
    return new StartFailure(
      `The database of DATABASE_URL isn't there: ${message}.`,
      'Create it: createdb NAME.',
      error,
    )
  }
  return new StartFailure(
    `The database of DATABASE_URL can't be reached (${code || message}).`,
    'Check that it runs and that host and port are right, or leave DATABASE_URL out to use the embedded PostgreSQL.',
    error,
  )
}
