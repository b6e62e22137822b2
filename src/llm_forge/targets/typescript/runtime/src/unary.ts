/** A unary call: its steps, its retry loop and its hedge. */

import { unary } from "./attempt.js";
import { run } from "./call.js";
import type { Call } from "./context.js";
import { outcomeName } from "./context.js";
import { hedged } from "./hedge.js";
import { through } from "./middleware.js";

/** A unary call from its start to its end. */
export async function runUnary(call: Call): Promise<unknown> {
  call.begin();
  try {
    const value = await through(call, call.shared.steps.call, call.prepared.request, (request) =>
      run(call.asking(request), hedged(unary)),
    );
    call.finish("ok", value);
    return value;
  } catch (error) {
    call.finish(outcomeName(error, call.signal));
    throw error;
  }
}
