/** Whom a call can be put through to, as the API takes it. */
export interface Target {
  to: { number: string } | { agent: string } | { queue: string };
  label: string;
}
