import type { Benchmark } from '../benchmark.ts';
import { bringUp } from './bring-up.ts';
import { change } from './change.ts';
import { dataplane } from './dataplane.ts';
import { footprint } from './footprint.ts';
import { pubsub } from './pubsub/benchmark.ts';
import { restart } from './restart.ts';
import { scale } from './scale.ts';
import { soak } from './soak.ts';
import { spawn } from './spawn.ts';
import { vpn } from './vpn.ts';

/** In the order in which they run. */
export const benchmarks: readonly Benchmark[] = [
  ...[footprint, spawn, bringUp, change, restart],
  ...[dataplane, vpn, pubsub, scale, soak],
];
