/**
 * What a power cut may take of a transaction that has been committed. `synced`: nothing. `lazy`: all of it, if the power fails within a
 * moment; for what follows from other rows and is found out again, and for notes that come again. The end of the process, however
 * sudden, takes neither. PostgreSQL syncs both.
 */
export type Durability = 'synced' | 'lazy';
