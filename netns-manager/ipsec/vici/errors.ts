export type ViciErrorCode = 'ERR_VICI_PROTOCOL' | 'ERR_VICI_REFUSED' | 'ERR_VICI_TIMEOUT' | 'ERR_VICI_CLOSED';

/** Anything that goes wrong between us and charon. `message` says what was attempted. */
export class ViciError extends Error {
  readonly code: ViciErrorCode;

  constructor(code: ViciErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ViciError';
    this.code = code;
  }
}

/** Bytes that are not VICI, or a message that VICI can't carry. The connection they came from is of no use any more. */
export class ViciProtocolError extends ViciError {
  constructor(message: string) {
    super('ERR_VICI_PROTOCOL', message);
    this.name = 'ViciProtocolError';
  }
}

/** charon knows the command but did not do it. `reason` is what it said. */
export class ViciRefusedError extends ViciError {
  readonly reason: string;

  constructor(command: string, reason: string) {
    super('ERR_VICI_REFUSED', `charon refused ${command}: ${reason}`);
    this.name = 'ViciRefusedError';
    this.reason = reason;
  }
}
