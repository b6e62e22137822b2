/** Everything the call loop needs from the world: clock, chance and network of one client. */

import type { Clock } from "./clock.js";
import type { Exchange, HttpRequest, Timers, Transport } from "./transport.js";

/** The world of one client. */
export class Io {
  constructor(
    readonly clock: Clock,
    readonly random: () => number,
    readonly transport: Transport,
  ) {}

  /** Monotonic seconds. */
  now(): number {
    return this.clock.now();
  }

  /** Seconds since the epoch. */
  wall(): number {
    return this.clock.wall();
  }

  /** Send a request; the exchange once its headers have arrived. Timers are seconds of the clock. */
  open(request: HttpRequest, timers: Timers, signal: AbortSignal): Promise<Exchange> {
    const real = {
      connect: this.clock.real(timers.connect),
      pool: this.clock.real(timers.pool),
      response: this.clock.real(timers.response),
    };
    return this.transport.open(request, real, signal);
  }

  /** The next decoded bytes of a body, null at its end; ReadTimeout. */
  read(exchange: Exchange, seconds: number | null): Promise<Uint8Array | null> {
    return exchange.read(this.clock.real(seconds));
  }
}
