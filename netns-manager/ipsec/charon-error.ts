const MAX_LINES = 3;

/** charon could not be brought to run. `output` is what it said. */
export class CharonError extends Error {
  readonly code = 'ERR_CHARON';
  readonly output: string;

  constructor(what: string, output: string) {
    const lines = output.trim().split('\n').slice(-MAX_LINES).join('; ');
    super(lines === '' ? what : `${what}: ${lines}`);
    this.name = 'CharonError';
    this.output = output;
  }
}
