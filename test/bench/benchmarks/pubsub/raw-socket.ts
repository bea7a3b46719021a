import { MESSAGE_BYTES } from './message.ts';
import { streamTransport } from './stream.ts';
import type { Transport } from './transport.ts';

const PREFIX_BYTES = 4;
/** The same for every message: nothing is encoded. */
const frame = Buffer.alloc(PREFIX_BYTES + MESSAGE_BYTES, 'x');
frame.writeUInt32LE(MESSAGE_BYTES);

/** As many bytes as the others' messages have, behind their length; looked at is the length only. */
export const rawSocket: Transport = {
  name: 'raw Unix socket',
  role: 'floor',
  ...streamTransport({
    encode: () => frame,
    join: frames => (frames.length === 1 ? frame : Buffer.concat(frames as Buffer[])),
    reader(heard) {
      let rest: Buffer = Buffer.alloc(0);
      return chunk => {
        const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
        let at = 0;
        while (at + PREFIX_BYTES <= bytes.length) {
          const end = at + PREFIX_BYTES + bytes.readUInt32LE(at);
          if (end > bytes.length) break;
          heard(null);
          at = end;
        }
        rest = bytes.subarray(at);
      };
    },
  }),
};
