// Reads what Fob exported with the libraries of those whose formats it is: `node read.mjs insomnia|openapi FILE` prints what they
// made of it.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const [, , format, file] = process.argv
let understood
if (format === 'insomnia') {
  const { convert } = require('insomnia-importers')
  understood = await convert(readFileSync(file, 'utf8'))
} else {
  const { default: SwaggerParser } = await import('@apidevtools/swagger-parser')
  understood = await SwaggerParser.validate(file)
}
console.log(JSON.stringify(understood))
