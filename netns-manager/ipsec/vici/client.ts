import { connect, type Socket } from 'node:net';
import { ViciError, ViciRefusedError } from './errors.ts';
import { FrameSplitter } from './frame-splitter.ts';
import type { ViciMessage } from './message.ts';
import { decodePacket, encodePacket, PacketType, type ViciPacket } from './packet.ts';

export type EventHandler = (message: ViciMessage) => void;

export interface RequestOptions {
  /** Milliseconds until the request fails and with it the connection. Default 3000: charon answers in a few. */
  timeoutMs?: number;
}

interface AskOptions extends RequestOptions {
  event?: string;
}

const REQUEST_TIMEOUT_MS = 3_000;

interface Pending {
  what: string;
  packet: ViciPacket;
  timeoutMs: number;
  /** Events of this name that come before the answer belong to it. */
  event?: string;
  results: ViciMessage[];
  resolve(answer: ViciPacket): void;
  reject(error: ViciError): void;
}

/**
 * A connection to charon. Answers carry no number, so one request is under way at a time and the others wait; for the same
 * reason the connection is closed when an answer does not come in time: it could be taken for the next one's.
 */
export class ViciClient {
  /** Resolves when the connection is gone, with the reason; null when close() was called. */
  readonly closed: Promise<ViciError | null>;
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter();
  readonly #handlers = new Map<string, EventHandler>();
  readonly #queue: Pending[] = [];
  #active: Pending | null = null;
  #timer: NodeJS.Timeout | null = null;
  #end: { reason: ViciError | null } | null = null;
  #resolveClosed: (reason: ViciError | null) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise(resolve => {
      this.#resolveClosed = resolve;
    });
    socket.on('data', chunk => this.#read(chunk as Buffer));
    socket.on('error', cause => this.#fail(new ViciError('ERR_VICI_CLOSED', `VICI: ${cause.message}`, { cause })));
    socket.on('close', () => this.#fail(new ViciError('ERR_VICI_CLOSED', 'charon closed its VICI socket')));
  }

  /** Connects to charon's socket. Throws ViciError when nobody listens there. */
  static connect(path: string): Promise<ViciClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      const onError = (cause: Error) =>
        reject(new ViciError('ERR_VICI_CLOSED', `charon can't be reached at ${path}: ${cause.message}`, { cause }));
      socket.once('error', onError);
      socket.once('connect', () => {
        socket.off('error', onError);
        resolve(new ViciClient(socket));
      });
    });
  }

  get isClosed(): boolean {
    return this.#end !== null;
  }

  /** Sends a command and gives its answer. Throws ViciRefusedError when charon says `success = no`. */
  async request(command: string, message: ViciMessage = {}, options: RequestOptions = {}): Promise<ViciMessage> {
    return (await this.#command(command, message, options)).answer;
  }

  /** Sends a command whose results come as events, and gives those. */
  async stream(
    command: string,
    event: string,
    message: ViciMessage = {},
    options: RequestOptions = {},
  ): Promise<ViciMessage[]> {
    if (!this.#handlers.has(event)) await this.on(event, () => {});
    return (await this.#command(command, message, { ...options, event })).results;
  }

  /** Has a handler called for each event of a name, in place of the one before. Throws when charon knows no such event. */
  async on(event: string, handler: EventHandler): Promise<void> {
    const isRegistered = this.#handlers.has(event);
    this.#handlers.set(event, handler);
    if (isRegistered) return;
    const { answer } = await this.#ask(`event ${event}`, { type: PacketType.EVENT_REGISTER, name: event });
    if (answer.type !== PacketType.EVENT_CONFIRM) throw new ViciRefusedError(`event ${event}`, 'it does not know it');
  }

  close(): void {
    this.#fail(null);
  }

  async #command(command: string, message: ViciMessage, options: AskOptions) {
    const packet = { type: PacketType.CMD_REQUEST, name: command, message };
    const { answer, results } = await this.#ask(command, packet, options);
    if (answer.type !== PacketType.CMD_RESPONSE) throw new ViciRefusedError(command, 'it does not know that command');
    if (answer.message.success === 'no') throw new ViciRefusedError(command, String(answer.message.errmsg ?? ''));
    return { answer: answer.message, results };
  }

  #ask(
    what: string,
    packet: ViciPacket,
    options: AskOptions = {},
  ): Promise<{ answer: ViciPacket; results: ViciMessage[] }> {
    return new Promise((resolve, reject) => {
      if (this.#end) {
        reject(this.#end.reason ?? new ViciError('ERR_VICI_CLOSED', 'the VICI connection is closed'));
        return;
      }
      const results: ViciMessage[] = [];
      const { timeoutMs = REQUEST_TIMEOUT_MS, event } = options;
      this.#queue.push({
        what,
        packet,
        timeoutMs,
        results,
        resolve: answer => resolve({ answer, results }),
        reject,
        ...(event !== undefined && { event }),
      });
      this.#next();
    });
  }

  #next(): void {
    if (this.#active) return;
    const pending = this.#queue.shift();
    if (!pending) return;
    let bytes: Buffer;
    try {
      bytes = encodePacket(pending.packet);
    } catch (error) {
      pending.reject(error as ViciError);
      this.#next();
      return;
    }
    this.#active = pending;
    this.#timer = setTimeout(() => {
      const words = `charon did not answer ${pending.what} within ${pending.timeoutMs} ms`;
      this.#fail(new ViciError('ERR_VICI_TIMEOUT', words));
    }, pending.timeoutMs);
    this.#socket.write(bytes);
  }

  #read(chunk: Buffer): void {
    try {
      for (const frame of this.#splitter.push(chunk)) this.#dispatch(decodePacket(frame));
    } catch (error) {
      if (!(error instanceof ViciError)) throw error; // a handler's
      this.#fail(error);
    }
  }

  #dispatch(packet: ViciPacket): void {
    if (packet.type === PacketType.EVENT) {
      if (packet.name === this.#active?.event) this.#active.results.push(packet.message);
      else this.#handlers.get(packet.name)?.(packet.message);
      return;
    }
    const pending = this.#active;
    if (!pending) throw new ViciError('ERR_VICI_PROTOCOL', 'charon answers what nobody asked');
    this.#active = null;
    if (this.#timer) clearTimeout(this.#timer);
    pending.resolve(packet);
    this.#next();
  }

  #fail(reason: ViciError | null): void {
    if (this.#end) return;
    this.#end = { reason };
    if (this.#timer) clearTimeout(this.#timer);
    this.#socket.destroy();
    const error = reason ?? new ViciError('ERR_VICI_CLOSED', 'the VICI connection was closed');
    for (const pending of [...(this.#active ? [this.#active] : []), ...this.#queue.splice(0)]) pending.reject(error);
    this.#active = null;
    this.#resolveClosed(reason);
  }
}
