// `npm run fuzz -- --frames N --seed S`
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

const { values } = parseArgs({ options: { frames: { type: 'string' }, seed: { type: 'string' } } });
const frames = Number(values.frames ?? 100_000);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
if (!(Number.isSafeInteger(frames) && frames > 0 && Number.isSafeInteger(seed) && seed >= 0)) {
  console.error('usage: npm run fuzz -- [--frames N] [--seed S], both whole numbers');
  process.exit(2);
}
console.log(`seed ${seed}`);
const report = await fuzz({ frames, seed, onProgress: sent => console.log(`${sent} frames`) });
console.log(JSON.stringify(report, null, 1));
