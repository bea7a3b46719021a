/** Starts a device as a test does, under the prefix in the first argument, and stays until it is ended by a signal. */
import { startDevice } from './device.ts';

await startDevice('examples/demo.yaml', { prefix: process.argv[2]! });
setInterval(() => {}, 60_000);
