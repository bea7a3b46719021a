import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { World } from '../../world/index.ts';
import type { AgentEvent, AgentOrder, AgentTask } from '../agent/messages.ts';

/** An agent at work in a namespace of the world. */
export class Agent {
  readonly #child: ChildProcess;
  #complaint = '';

  /** `bundle`: the agent's file. */
  constructor(world: World, name: string, bundle: string, task: AgentTask, onEvent: (event: AgentEvent) => void) {
    this.#child = world.spawn(name, process.execPath, [bundle, JSON.stringify(task)]);
    createInterface({ input: this.#child.stdout! }).on('line', line => onEvent(JSON.parse(line) as AgentEvent));
    this.#child.stdin!.on('error', () => {}); // it has ended, which `close` tells
    this.#child.stderr!.on('data', (data: Buffer) => {
      this.#complaint = (this.#complaint + String(data)).slice(-2000);
    });
    this.#child.on('close', () => {
      if (this.#complaint) console.error(`the agent in ${name} ended: ${this.#complaint}`);
    });
  }

  order(order: AgentOrder): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
  }

  stop(): void {
    this.#child.stdin!.end();
  }
}
