import { World } from '../../../test/world/index.ts';
import { messageOf } from '../../api/api-error.ts';
import { startNibox, type UpOptions, untilReady } from './nibox-in-world.ts';
import { whereToLook } from './where-to-look.ts';

/** `nibox demo up`: what went up stays for a look when nibox does not get ready. */
export async function up(options: UpOptions): Promise<void> {
  const stopped = new AbortController();
  const onSignal = () => stopped.abort(new Error('it was stopped'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const world = await World.up({ prefix: options.prefix, signal: stopped.signal });
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  try {
    await startNibox(world, options);
    await untilReady(world, options);
  } catch (cause) {
    const remedy = `look into ${world.runDirectory}/logs, then \`nibox demo down --prefix ${options.prefix}\``;
    throw Object.assign(new Error(messageOf(cause), { cause }), { remedy });
  }
  process.stdout.write(`The demo world ${options.prefix} is up.\n\n${whereToLook(options)}`);
}
