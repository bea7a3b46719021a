import { Capture, type Packet } from '../../conformance/capture.ts';
import type { World } from '../../world/index.ts';

/** gw's ends of the uplinks that the VPN NIs use. */
const VPN_WIRES = ['dev1', 'dev2'];
/** The remote network of both tunnels, from anywhere but where a network of the same addresses lies. */
const FILTER = 'dst net 192.168.0.0/24 and not src net 192.168.0.0/24';
const CONTROL = { app: 'app3', url: 'http://192.168.0.2:8080/', port: 8080 };

export interface ClearText {
  /** Packets for the tunnels' remote networks that went over an uplink in clear. */
  packets: Packet[];
  /** A packet of the same kind that was sent on purpose was seen. */
  sawControl: boolean;
  /** Packets that the capture had no room for. */
  missed: number;
}

/** Looks at the other end of the uplinks, all the time. */
export class ClearTextWatch {
  readonly #world: World;
  readonly #capture: Capture;

  private constructor(world: World, capture: Capture) {
    this.#world = world;
    this.#capture = capture;
  }

  static async start(world: World): Promise<ClearTextWatch> {
    return new ClearTextWatch(world, await Capture.start(world, 'gw', FILTER));
  }

  /** Ends it, after it has shown that it sees what there is. */
  async stop(): Promise<ClearText> {
    const isControl = ({ device, destinationPort }: Packet) => device === 'dev1' && destinationPort === CONTROL.port;
    await this.#world.exec(CONTROL.app, 'curl', ['-s', '--connect-timeout', '3', CONTROL.url]);
    const sawControl = await this.#capture.sees(isControl);
    await this.#capture.stop();
    const packets = this.#capture.packets.filter(one => VPN_WIRES.includes(one.device) && !isControl(one));
    return { packets, sawControl, missed: this.#capture.lost };
  }
}
