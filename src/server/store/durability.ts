/**
 * Loss of a committed transaction in a power cut. `synced`: none. `lazy`: all of it, if the power fails within a moment. So `lazy` is for
 * rows that follow from others and are found out again, and for notes that come again. A sudden end of the process loses neither.
 * PostgreSQL syncs both.
 */
export type Durability = 'synced' | 'lazy';
