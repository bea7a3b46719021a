/** What a wire tells its owner; never from within a call of `send`, `close` or `destroy`. */
export interface WireEvents {
  onBytes(bytes: Uint8Array): void;
  /** There is room again after `send` had returned false. */
  onDrain(): void;
  /** Both directions are over; told exactly once, and nothing is told after it. */
  onClose(error?: Error): void;
}

/**
 * An ordered, reliable stream of bytes: a Unix socket, a WebSocket, or a fake one in tests.
 * Where one `send` ends and the next begins need not survive the transport.
 */
export interface Wire {
  /** Called once, by the owner, before anything else. What came in earlier must be held until then. */
  attach(events: WireEvents): void;
  /**
   * Takes the bytes in any case and must not change them: they are shared with other wires. False: that is enough, wait for
   * `onDrain`. After the end it does nothing and returns true.
   */
  send(bytes: Uint8Array): boolean;
  /** Ends the stream after what was sent. */
  close(): void;
  /** Ends it now. */
  destroy(): void;
}
