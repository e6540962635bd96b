import type { App } from '../app.ts'
import { ProviderError } from '../providers/provider-error.ts'
import { askProvider } from './ask-provider.ts'
import { applyChargebacks } from './session-chargebacks.ts'
import { applySessionNews, type SessionNews } from './session-news.ts'
import { isLive, loadSessions, type Session } from './session-store.ts'

/** Providers asked at once. */
const AT_ONCE = 10

type Needs = Pick<
  App,
  'db' | 'clock' | 'config' | 'secrets' | 'pricing' | 'providers' | 'wake' | 'log' | 'pageNews'
>

/**
 * Ends every way to pay these payments that is still open at a provider, and takes in what the sessions ended as.
 * Answers the payments of which a provider gave no answer: they must not end yet, as they may be paid at this moment.
 */
export async function endSessions(app: Needs, paymentIds: readonly string[]): Promise<Set<string>> {
  const open = (await loadSessions(app.db, paymentIds)).filter(isLive)
  const { news, unanswered } = await askAll(app, open, 'end')
  await applySessionNews(app, news)
  await applyChargebacks(app, news)
  return new Set(unanswered.map(({ paymentId }) => paymentId))
}

/** Asks about many sessions, a few at once. A provider that doesn't answer is nobody's mistake here; it is asked again. */
export async function askAll(
  app: Needs,
  sessions: readonly Session[],
  asking: 'look' | 'end' | ((session: Session) => 'look' | 'end'),
): Promise<{ news: SessionNews[]; unanswered: Session[] }> {
  const news: SessionNews[] = []
  const unanswered: Session[] = []
  const queue = [...sessions]
  const askOn = async (): Promise<void> => {
    for (let session = queue.shift(); session; session = queue.shift()) {
      try {
        const answer = await askProvider(app, session, typeof asking === 'string' ? asking : asking(session))
        if (answer) news.push(answer)
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error
        app.log.warn({ err: error, sessionId: session.id }, 'A provider did not tell how a session stands.')
        unanswered.push(session)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, sessions.length) }, askOn))
  return { news, unanswered }
}
