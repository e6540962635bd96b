import { sql } from 'kysely'
import { sumFromCheckpoint } from '../book.ts'
import type { StuckRule } from './rule.ts'

/** Sales that get no further, providers that owe us money, and news that nobody took. */
export const OTHER_RULES: readonly StuckRule[] = [
  {
    code: 'sale_without_payout',
    severity: 'high',
    says: 'A sale has its coins, and no money was ordered for them.',
    mend: '"sale show <id>" says what it waits for, such as a price or an account.',
    rows: (cutoff) => sql`
      select 'sale:' || id as reference, chain || ':' || symbol as asset, received_units as units, updated_at as since,
             review_reason as why
        from sales where state = 'crypto_received' and updated_at <= ${cutoff}`,
  },
  {
    code: 'sale_coins_not_returned',
    severity: 'high',
    says: 'Coins of a sale are to go back, and have not left.',
    mend: '"effects list" has its reason: a list of wallets that doesn’t answer (not_screened), a coin without a contract (no_contract), coins or gas that are short, a door that is closed.',
    // Whatever the sale's own state: it may have ended, paid out or not, while late coins wait to go back.
    rows: (cutoff) => sql`
      select e.reference, e.asset, e.units, e.created_at as since, e.reason as why from effects e
       where e.state = 'planned' and e.kind = 'coin_transfer' and starts_with(e.reference, 'sale:')
         and e.created_at <= ${cutoff}`,
  },
  {
    code: 'sale_in_review',
    severity: 'medium',
    says: 'A sale waits for a person to look at it.',
    mend: '"sale list" says why; "sale release", "sale pay-again" or "sale return" decides.',
    rows: (cutoff) => sql`
      select 'sale:' || id as reference, chain || ':' || symbol as asset, received_units as units, updated_at as since,
             review_reason as why
        from sales where state = 'in_review' and updated_at <= ${cutoff}`,
  },
  {
    code: 'deposit_not_swept',
    severity: 'medium',
    says: 'Coins of a sale are still on its address.',
    mend: '"sweeps list" says what they wait for, "sweeps retry" goes on with one that failed.',
    rows: (cutoff) => sql`
      select 'sale:' || sale_id as reference, asset, units, final_at as since, 'not looked at' as why
        from deposits
       where state = 'final' and outcome is not null and (outcome <> 'blocked' or settled_at is not null)
         and sweep_seen_at is null and final_at <= ${cutoff}
      union all
      select 'sweep:' || id, asset, units, created_at, reason from sweeps
       where state in ('gas', 'coins') and created_at <= ${cutoff}
      union all
      select 'sweep:' || id, asset, units, created_at, reason from sweeps
       where state = 'failed' and created_at <= ${cutoff}`,
  },
  {
    code: 'card_not_settled',
    severity: 'medium',
    says: 'A payment provider took more than it has paid to our bank accounts.',
    mend: 'Find its payment on the account ("accounts lines") and "accounts claim <iban> <line> --as <its account>", with --fee for what it kept.',
    // What it owes beyond all that it took since: the rest is older. Its age is at least that of the last before.
    rows: (cutoff) => sql`
      with recursive pairs as (
        (select payment_type, provider from payment_sessions where state = 'paid' order by 1, 2 limit 1)
        union all
        select next.payment_type, next.provider from pairs cross join lateral (
          select s.payment_type, s.provider from payment_sessions s
           where s.state = 'paid' and (s.payment_type, s.provider) > (pairs.payment_type, pairs.provider)
           order by 1, 2 limit 1) next
      ), takers as (
        select case when payment_type in ('card', 'paypal') then payment_type else 'local' end || ':' || provider as account,
               payment_type, provider
          from pairs where payment_type <> 'psd2')
      select account as reference, asset, owed - recent as units, since, 'what it took until then, at the latest' as why
        from (select c.account, c.asset, (${sumFromCheckpoint(sql`c.account`, sql`c.asset`)}) as owed,
                     (select coalesce(sum(s.units), 0)
                        from takers t join payment_sessions s on s.payment_type = t.payment_type and s.provider = t.provider
                       where t.account = c.account and s.state = 'paid' and s.updated_at > ${cutoff} and s.currency = c.asset
                     ) as recent,
                     (select max(last.updated_at)
                        from takers t cross join lateral (
                          select s.updated_at from payment_sessions s
                           where s.state = 'paid' and s.payment_type = t.payment_type and s.provider = t.provider
                             and s.updated_at <= ${cutoff} and s.currency = c.asset
                           order by s.updated_at desc limit 1) last
                       where t.account = c.account) as since
                from balance_checkpoints c where c.account in (select account from takers)) owed
       where owed > recent and since is not null`,
  },
  {
    code: 'callback_parked',
    severity: 'high',
    says: 'What a provider told us could not be worked off.',
    mend: '"callbacks list" says why, "callbacks retry" tries it again.',
    rows: (cutoff) => sql`
      select 'callback:' || id as reference, null::text as asset, null::numeric as units, received_at as since, parked_reason as why
        from provider_callbacks where parked_reason is not null and received_at <= ${cutoff}`,
  },
  {
    code: 'webhook_parked',
    severity: 'low',
    says: 'An integrator’s webhooks are not taken; its events wait.',
    mend: 'Tell the integrator; "deliveries" of the API shows what its address answered.',
    rows: (cutoff) => sql`
      select 'integration:' || integration_id as reference, null::text as asset, null::numeric as units, failing_since as since,
             failures || ' attempts failed' as why
        from webhook_destinations where failing_since <= ${cutoff}`,
  },
]
