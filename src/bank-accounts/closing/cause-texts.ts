import type { DifferenceCause } from './compare-day.ts'

/** What a cause means, and what an operator does about it; `<iban>`, `<reference>` and `<amount>` are the difference's. */
export interface CauseText {
  says: string
  mend: string
}

export const CAUSE_TEXTS: Readonly<Record<DifferenceCause, CauseText>> = {
  missing_statement: {
    says: 'No statement covers it.',
    mend: 'Fetch it from the bank and "bank import" it.',
  },
  early_statement: {
    says: 'The statement was made while the day ran.',
    mend: 'Fetch it again, or the next one, and "bank import" it.',
  },
  gap: {
    says: 'Two statements don’t meet: the second one opens with another balance than the first one closes with.',
    mend: 'Fetch the statement between them and "bank import" it.',
  },
  before_statements: {
    says: 'The first statement opens with another balance than the books had by then.',
    mend: 'If the account held it before its first line: "bank opening <iban> <amount> --why …", once. Else import the statement before it.',
  },
  not_on_statement: {
    says: 'A line of the books that the statement doesn’t have.',
    mend: 'Ask the bank whether it stands; if it does, import the statement that has it.',
  },
  other_day: {
    says: 'The statement has a line of the books under another day.',
    mend: 'Nothing, unless it is still here after the next statement.',
  },
  doubt: {
    says: 'It was told and is not in the books, as it may be a known line.',
    mend: '"bank doubts" shows what it may be; "bank doubts decide <reference>" with --same <line>, --new or --dismiss.',
  },
  batch: {
    says: 'One sum on one side is several lines on the other.',
    mend: 'When they are the same money: "bank doubts decide" with --part-of <line>, or with --dismiss, for all that "bank doubts" shows of that day.',
  },
  not_read: {
    says: 'The bank has a line that was not read yet.',
    mend: 'Nothing: it comes by itself within a minute. Close the day again.',
  },
  not_at_bank: {
    says: 'A statement told of a line that the bank’s own list doesn’t have.',
    mend: 'Ask the bank whether it stands.',
  },
  order_not_on_statement: {
    says: 'The bank said that it had booked this order, and no line of the account shows it.',
    mend: 'Ask the bank what became of it; "effects list" shows the order.',
  },
  unexpected_debit: {
    says: 'The bank took money for an order of ours that was given up, taken before, or of another amount, or took back what isn’t known to have come.',
    mend: 'Recover it from the bank or the receiver; then "accounts claim <iban> <reference> --as cost --why …".',
  },
  late_line: {
    says: 'A line was booked into a day after it had been closed. It is told once.',
    mend: 'Look whether it is right: "bank line <iban> <reference>".',
  },
  bank_silent: {
    says: 'Nobody says what the account held.',
    mend: 'Fetch the statement of the day and "bank import" it, or close again when the bank answers.',
  },
  unexplained: {
    says: 'No line explains it.',
    mend: '"ledger verify" proves the books; compare the day line by line with the bank’s list.',
  },
}

/** The same of a doubt that a person decided to be no line, and that the bank's balance counts. */
export const DISMISSED_TEXT: CauseText = {
  says: 'It was told and dismissed as no line, and the balance has it.',
  mend: '"bank doubts --dismissed" shows it; "bank doubts decide <reference>" with --same <line> or --new decides it anew. Else ask the bank why its balance has it.',
}
