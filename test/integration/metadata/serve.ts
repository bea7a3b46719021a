/** A metadata server for the namespace that this program runs in; says on standard output what it logs. */
import { MetadataServer } from '../../../netns-manager/metadata/server.ts';

const say = (_fields: object, message: string) => void process.stdout.write(`${message}\n`);
const text = 'x';

new MetadataServer({
  log: { debug: say, info: say, warn: say, error: say },
  lookup: address => ({ appUuid: `uuid-of-${address}` }),
  external: () => ['192.168.0.2'],
  device: () => ({
    uuid: text,
    name: text,
    projectName: text,
    projectUuid: text,
    enterpriseName: text,
    enterpriseUuid: text,
  }),
}).start();
