// The part of the snippet that is loaded once somebody touches a form, or where the page has a ready one.
import { begin } from './proof.js';
import { ready } from './ready.js';
import { send } from './send.js';

export default [begin, send, ready];
