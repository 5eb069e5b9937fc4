// Shows the specimens of the list in frames, in the look that is chosen. The address keeps it.

const form = document.querySelector('#look')
const main = document.querySelector('main')
const count = document.querySelector('#count')
const list = await (await fetch('list.json')).json()

const languages = [...new Set(list.map(each => each.language))]
form.language.append(...languages.map(each => new Option(each)))
const kept = new URLSearchParams(location.hash.slice(1))
for (const field of form.elements) if (kept.has(field.name)) field.value = kept.get(field.name)

function make(tag, values = {}, ...children) {
  const made = Object.assign(document.createElement(tag), values)
  made.append(...children)
  return made
}

// A specimen is as tall as it needs to be, and its links lead nowhere.
function settle({ target: frame }) {
  const shown = frame.contentDocument
  frame.style.height = `${shown.documentElement.scrollHeight + 2}px`
  shown.addEventListener('click', event => event.target.closest('a, button') && event.preventDefault())
}

function address(file, { scheme, padding }) {
  const query = new URLSearchParams({ scheme, ...(padding && { padding }) })
  return file.endsWith('.html') ? `${file}?${query}` : file
}

function frame(file, look) {
  return make('iframe', { src: address(file, look), title: file, loading: 'lazy', width: look.width, onload: settle })
}

function specimen({ kind, name, files }, look) {
  const direct = make('a', { href: address(files[0], look), target: '_blank', textContent: `${kind}/${name}` })
  const frames = files.map(file => frame(file, look))
  return make('section', { id: `${kind}/${name}` }, make('h2', {}, direct), make('div', { className: 'parts' }, ...frames))
}

function draw() {
  const look = Object.fromEntries(new FormData(form))
  const chosen = list.filter(each => each.language === look.language
    && (!look.kind || each.kind === look.kind) && each.name.includes(look.name))
  main.replaceChildren(...chosen.map(each => specimen(each, look)))
  count.textContent = `${chosen.length} shown`
  history.replaceState(null, '', `#${new URLSearchParams(look)}`)
}

form.addEventListener('input', draw)
form.addEventListener('submit', event => event.preventDefault())
draw()
