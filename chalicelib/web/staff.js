// Spares the pages a reload. Everything here also works without: each press is a form's post, each tab a link.
(() => {
  const EVERY = 5000
  const by = id => document.getElementById(id)
  let arrived = Date.now(), known = due(), pending = null, next = null, busy = false, timer

  function due() { return new Set((by("live").dataset.due ?? "").split(" ").filter(Boolean)) }
  function show(id, shown) { if (by(id)) by(id).hidden = !shown }

  // As `formats.minutes` writes it, in the words that the page brings.
  function format(n) {
    const { minutesOnly, hours } = by("live").dataset
    if (n < 60) return minutesOnly.replace("{minutes}", n)
    return hours.replace("{hours}", Math.floor(n / 60)).replace("{minutes}", String(n % 60).padStart(2, "0"))
  }

  // Without its style, whose nonce this page's policy does not know, and which we have.
  function parse(text) { return new DOMParser().parseFromString(text.replace(/<style[^]*?<\/style>/, ""), "text/html") }

  // The minutes the line has been open since the page came; the server said when that changes.
  function tick() {
    const live = by("live"), change = Number(live.dataset.change), gone = (Date.now() - arrived) / 1000
    const open = live.dataset.open === "1"
    const run = change < 0 ? (open ? gone : 0) : open ? Math.min(gone, change) : Math.max(0, gone - change)
    for (const each of live.querySelectorAll("[data-minutes]")) {
      const minutes = Math.max(0, Number(each.dataset.minutes) + each.dataset.step * Math.floor(run / 60))
      if (each.matches("meter")) each.value = minutes
      else if (each.textContent !== format(minutes)) each.textContent = format(minutes)
    }
    for (const each of live.querySelectorAll("[data-seconds]")) each.hidden = gone >= Number(each.dataset.seconds)
  }

  function refresh(text) {
    const live = parse(text).getElementById("live"), focused = document.activeElement?.id
    by("live").replaceWith(document.adoptNode(live))
    arrived = Date.now()
    if (focused) by(focused)?.focus()
    const fresh = [...due()].filter(each => !known.has(each)).length, said = by("said")
    if (fresh) said.textContent = (fresh === 1 ? said.dataset.one : said.dataset.more).replace("{count}", fresh)
    known = due()
  }

  // Marked, so that a page left open does not keep its session alive.
  async function look() {
    const live = by("live")
    if (!busy && !pending) {
      try {
        const headers = { Accept: "text/html", "X-Poll": "1", "If-None-Match": live.dataset.version }
        const answer = await fetch(location.href, { headers, cache: "no-store" })
        show("ended", answer.status === 401)
        show("lost", answer.status >= 500)
        if (answer.ok && !busy) {
          const text = await answer.text()
          if (live === by("live")) live.hasAttribute("data-list") ? refresh(text) : show("changed", true)
        }
      } catch { show("lost", true) }
    }
    setTimeout(look, EVERY)
  }

  // What was typed outlives the new page, but for the note that was sent: it is kept, or comes back with the page.
  // A page that has no request only says why.
  function replace(text, sent) {
    const typed = [...document.querySelectorAll("#main [id][name]")]
      .filter(each => each.name !== "note" || each.value !== sent.get("note"))
      .map(each => [each.id, each.value])
    const page = parse(text)
    const refused = by("refused")
    refused.hidden = page.getElementById("live") !== null
    if (!refused.hidden) {
      refused.textContent = [...page.querySelectorAll("main > p:not(.quiet, :has(a)), main li")].map(each => each.textContent).join(" ")
      return false
    }
    document.title = page.title
    by("main").replaceWith(document.adoptNode(page.getElementById("main")))
    for (const [id, value] of typed) if (by(id) && !by(id).value) by(id).value = value
    arrived = Date.now()
    known = due()
    const wrong = document.querySelector("#main [aria-invalid]")
    if (wrong) wrong.focus()
    else {
      document.querySelector("#main h1").focus()
      scrollTo(0, 0)
    }
    return true
  }

  async function send() {
    clearTimeout(timer)
    if (busy || !pending) return
    busy = true
    const sent = pending
    try {
      const headers = { Accept: "text/html" }
      const answer = await fetch(sent.url, { method: "POST", body: sent.body, headers })
      show("ended", answer.status === 401)
      show("lost", answer.status >= 500)
      if (answer.status !== 401 && answer.status < 500) {
        pending = next
        next = null
        const elsewhere = new URL(answer.url).pathname !== location.pathname
        if (answer.redirected && elsewhere) {
          if (!pending) location.assign(answer.url)
        } else {
          const text = await answer.text()
          if (replace(text, sent.body) && elsewhere) history.pushState(null, "", answer.url)
          // The dialler opens once the server agreed; not minutes later, when nobody waits for it any more.
          if (sent.dials && answer.ok && !pending && Date.now() - sent.at < EVERY) by("call")?.click()
        }
      }
    } catch { show("lost", true) } finally { busy = false }
    if (pending) timer = setTimeout(send, pending === sent ? EVERY : 0)
  }

  // What is pressed while another press is on its way is sent after it, and then the last one's answer leads the way;
  // the second half of a double click is the same press.
  function press(url, fields, dials) {
    const pressed = { url, body: new URLSearchParams(fields), dials, at: Date.now() }
    if (!busy) pending = pressed
    else if (url !== pending.url || String(pressed.body) !== String(pending.body)) next = pressed
    send()
  }

  document.addEventListener("submit", event => {
    if (!event.target.matches("[data-press]")) return
    event.preventDefault()
    // The attribute: a form's `action` property is hidden by a button of that name.
    const button = event.submitter
    press(event.target.getAttribute("action"), new FormData(event.target, button), button?.hasAttribute("data-dial"))
  })
  document.addEventListener("input", event => {
    const { target } = event
    if (target.matches("textarea")) target.style.height = `${Math.max(target.offsetHeight, target.scrollHeight + 2)}px`
  })
  addEventListener("online", send)
  addEventListener("focus", send)
  addEventListener("popstate", () => location.reload())
  setInterval(tick, 1000)
  setTimeout(look, EVERY)
})()
