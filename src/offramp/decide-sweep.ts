/** What is known of an address whose coins are to be moved, in base units. */
export interface SweepQuestion {
  /** The coins are what the chain itself pays gas with. */
  isNative: boolean
  /** What the books say is there and may be moved: nothing that came from blocked addresses. */
  bookedUnits: bigint
  /** What the chain says is there of the same coin, all of it. */
  chainUnits: bigint
  /** Native coins there that may pay for gas. */
  nativeUnits: bigint
  /** The most that the transfer can cost at the fees of now. */
  gasUnits: bigint
}

export type SweepStep =
  | { do: 'coins'; units: bigint }
  /** So many native coins are to come from a hot wallet first. */
  | { do: 'gas'; units: bigint }
  /** There is nothing left to move. */
  | { do: 'end' }
  /** It can't be done now, and maybe never. */
  | { do: 'put_off'; reason: string }

/** Fees rise between the step that counts them and the one that pays; what is left over stays for the next time. */
const HEAD_ROOM_PERCENT = 150n

export const withHeadRoom = (gasUnits: bigint): bigint => (gasUnits * HEAD_ROOM_PERCENT) / 100n

/** What comes next on the way of an address's coins to the hot wallet. */
export function decideSweep(question: SweepQuestion): SweepStep {
  const { isNative, bookedUnits, chainUnits, nativeUnits, gasUnits } = question
  if (bookedUnits <= 0n) return { do: 'end' }
  if (chainUnits < bookedUnits) {
    const reason = `coins_missing: the address holds ${chainUnits} units, by the books it has ${bookedUnits} to give`
    return { do: 'put_off', reason }
  }
  if (isNative) {
    const units = bookedUnits - withHeadRoom(gasUnits)
    if (units > 0n) return { do: 'coins', units }
    const reason = `gas_dear: moving ${bookedUnits} units may cost ${withHeadRoom(gasUnits)} of them`
    return { do: 'put_off', reason }
  }
  if (nativeUnits >= gasUnits) return { do: 'coins', units: bookedUnits }
  return { do: 'gas', units: withHeadRoom(gasUnits) - nativeUnits }
}
