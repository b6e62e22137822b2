/** Streams put together into the message that the unary call would have returned. */

import type { StreamRule } from "../profile.js";
import type { Accumulator } from "./accumulator.js";
import { BlockAccumulator } from "./blocks.js";
import { ChatAccumulator } from "./chat.js";
import { ConversationAccumulator } from "./conversation.js";
import { EventAccumulator } from "./events.js";
import { ResponseAccumulator } from "./response.js";

/** A new accumulator for one stream of this rule. */
export function accumulatorOf(rule: StreamRule): Accumulator {
  switch (rule.family) {
    case "chat-completion":
      return new ChatAccumulator();
    case "block-event":
      return new BlockAccumulator();
    case "response":
      return new ResponseAccumulator();
    case "conversation":
      return new ConversationAccumulator();
    case "events":
      return new EventAccumulator(rule.terminal, rule.typeField);
  }
}
