import type { World } from '../world/index.ts';
import { expect } from './check.ts';
import { patience } from './patience.ts';

/** Milliseconds for one answer, and how often it is asked. */
const answerTimeoutMs = 1_500 * patience;
const attempts = 3;

export interface DnsAnswer {
  /** 0 no error, 3 no such name, 5 refused. */
  code: number;
  /** IPv4 addresses. */
  addresses: string[];
}

/**
 * Asks the DNS server that an app's interface was given by DHCP for a name's IPv4 addresses, bound to that interface
 * (curl and the resolver library can't be).
 */
export async function lookUp(world: World, app: string, device: string, name: string): Promise<DnsAnswer> {
  const lease = await world.lease(app, device);
  const server = lease?.dnsServers[0];
  expect(server !== undefined, `${app} has no DNS server from DHCP on ${device}`);
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const answer = await ask(world, app, device, server, name);
    if (answer) return answer;
  }
  throw new Error(`${server} did not answer ${app} (${device}) when asked for ${name}`);
}

/** The one address of a name that must exist. */
export async function addressOf(world: World, app: string, device: string, name: string): Promise<string> {
  const { code, addresses } = await lookUp(world, app, device, name);
  expect(addresses[0] !== undefined, `${name} has no address for ${app} on ${device} (DNS code ${code})`);
  return addresses[0];
}

function ask(world: World, app: string, device: string, server: string, name: string): Promise<DnsAnswer | undefined> {
  const id = Math.floor(Math.random() * 0x10000);
  const child = world.spawn(app, 'socat', ['-', `UDP4:${server}:53,so-bindtodevice=${device}`]);
  return new Promise((resolve, reject) => {
    const finish = (answer?: DnsAnswer) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      resolve(answer);
    };
    const timer = setTimeout(finish, answerTimeoutMs);
    child.on('error', reject);
    child.on('exit', () => finish());
    child.stdin!.on('error', () => {}); // it ended early: `exit` tells
    child.stdout!.on('data', (message: Buffer) => {
      const answer = decodeAnswer(message);
      if (message.readUInt16BE(0) === id) finish(answer);
    });
    child.stdin!.write(encodeQuestion(id, name));
  });
}

/** A question for A records, RFC 1035 4.1. */
export function encodeQuestion(id: number, name: string): Buffer {
  const header = Buffer.from([id >> 8, id & 0xff, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]); // recursion desired, one question
  const labels = name.split('.').map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

/** Code and A records of an answer. */
export function decodeAnswer(message: Buffer): DnsAnswer {
  const addresses: string[] = [];
  let at = 12;
  for (let left = message.readUInt16BE(4); left > 0; left--) at = skipName(message, at) + 4;
  for (let left = message.readUInt16BE(6); left > 0; left--) {
    at = skipName(message, at);
    const type = message.readUInt16BE(at);
    const length = message.readUInt16BE(at + 8);
    at += 10;
    if (type === 1) addresses.push([...message.subarray(at, at + 4)].join('.'));
    at += length;
  }
  return { code: message.readUInt8(3) & 0x0f, addresses };
}

function skipName(message: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const length = message.readUInt8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2; // a pointer ends the name
    at += length + 1;
  }
}
