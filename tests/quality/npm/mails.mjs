// Says of each mail what its clients do not support, as `{"feature": ["client", …]}` on the output.
// Clients and files are the arguments: `node mails.mjs gmx.ios,gmail.ios mail.html …`.
import { readFileSync } from "node:fs"
import { DoIUseEmail } from "@jsx-email/doiuse-email"

class Judge extends DoIUseEmail {
  constructor(client) {
    super({ emailClients: ["gmail.ios"] }) // its own list lacks clients that its data has
    this.emailClients = [client]
  }

  checkFeaturesSupport(titles) {
    for (const title of [titles].flat()) {
      try {
        super.checkFeaturesSupport(title)
      } catch (error) {
        if (!error.message.includes("not found on")) throw error // nobody has tried it there
      }
    }
  }
}

const [clients, ...files] = process.argv.slice(2)
const found = {}
for (const client of clients.split(",")) {
  for (const file of files) {
    const judge = new Judge(client)
    judge.check(readFileSync(file, "utf8"))
    for (const message of judge.errors) {
      const feature = message.replace(/^`(.*)` is not supported by `.*`$/, "$1")
      found[feature] ??= []
      if (!found[feature].includes(client)) found[feature].push(client)
    }
  }
}
console.log(JSON.stringify(found))
