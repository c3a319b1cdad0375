// The worker behind our own sign-up page: gets a challenge, posts the answer.
import { attempt, MOST } from "./signup/solve.js";

addEventListener("message", (event) => postMessage(attempt(event.data, 0, MOST)));
