/**
 * Options of a compilation for those who look for a fault in the code generator.
 */

export interface Debugging {
  /**
   * Which functions of the main module, by function index, are compiled the plain way: no local lives in a register, no
   * comparison is left to the branch after it. A fault that disappears lies in what was left out.
   */
  readonly plain?: (funcIndex: number) => boolean;
  /**
   * Called with the place where the code of each instruction of the main module starts: `bodyOffset` in the body,
   * `textOffset` in text.
   */
  readonly onInstruction?: (funcIndex: number, bodyOffset: number, textOffset: number) => void;
}
