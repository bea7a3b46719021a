import type { ItemState } from '../../../../shared/proto/messages.ts';
import { streamTransport } from './stream.ts';
import type { Transport } from './transport.ts';

export const jsonLines: Transport = {
  name: 'JSON lines',
  role: 'peer',
  ...streamTransport({
    encode: message => `${JSON.stringify(message)}\n`,
    join: lines => Buffer.from(lines.join('')),
    reader(heard) {
      let rest = '';
      return chunk => {
        const lines = (rest + chunk.toString('latin1')).split('\n'); // these messages are ASCII
        rest = lines.pop()!;
        for (const line of lines) heard(JSON.parse(line) as ItemState);
      };
    },
  }),
};
