/** Listens for connections that end, in the namespace that this program runs in; says the listener's pid on standard output. */
import { ConntrackEvents } from '../../../netns-manager/flowlog/conntrack-events.ts';
import { silentLog } from '../../../shared/log/log.ts';

const events = new ConntrackEvents({ log: silentLog, onEnd: () => {} });
events.start();
process.stdout.write(`${events.pid}\n`);
