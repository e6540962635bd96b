/**
 * Why banks refuse transfers or send them back: ISO 20022 external codes (pacs.002, pacs.004) that are met with credit
 * transfers, in words for people.
 */
const REASONS: Readonly<Record<string, string>> = {
  AC01: 'there is no such account',
  AC03: 'the account of the receiver is not valid',
  AC04: 'the account is closed',
  AC06: 'the account is blocked',
  AC13: 'the account is of a kind that takes no such transfer',
  AC14: 'the receiving bank does not take it for this account',
  AG01: 'transfers to this account are forbidden',
  AG02: 'the bank does not know this kind of transfer',
  AM02: 'the amount is not allowed',
  AM03: 'the account is not in this currency',
  AM04: 'there is not enough money',
  AM05: 'the same transfer was made before',
  AM09: 'the amount is wrong',
  BE01: 'the name is not that of the account',
  BE04: 'the address of the receiver is missing or wrong',
  BE05: 'the bank does not know who ordered it',
  CNOR: 'the receiving bank can not be reached',
  CUST: 'the receiver did not want it',
  DNOR: 'the ordering bank can not be reached',
  ED05: 'it could not be settled',
  FF01: 'the order has a wrong form',
  FOCR: 'it was called back',
  MD07: 'the receiver has died',
  MS02: 'the receiver gave no reason',
  MS03: 'the bank gave no reason',
  NOAS: 'the receiver did not answer',
  RC01: 'the bank of the receiver is not known',
  RR01: 'rules ask for the account of the sender',
  RR02: "rules ask for the sender's name or address",
  RR03: "rules ask for the receiver's name or address",
  RR04: 'rules forbid it',
  TM01: 'it came too late in the day',
}

/** `AC04: the account is closed`, with the bank's own words behind it where it has some. */
export function describeReason(code: string | null, text: string | null): string {
  const words = code && REASONS[code]
  const named = code && words ? `${code}: ${words}` : (code ?? 'no reason was given')
  return text ? `${named} (${text})` : named
}
