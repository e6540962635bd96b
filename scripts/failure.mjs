/** Something a person has to mend: shown as it is, without a stack. */
export class Failure extends Error {
  /**
   * @param {string} problem What is wrong, as a sentence.
   * @param {string} mend How to mend it, as a sentence.
   * @param {string} [detail] What a tool said, shown above both.
   */
  constructor(problem, mend, detail) {
    super(`${problem} ${mend}`)
    this.problem = problem
    this.mend = mend
    this.detail = detail
  }
}
