// What is wrong with the page as it stands: a list of sentences.
(() => {
  const faults = [];
  const say = (what, element, more = "") => {
    const name = element.closest("[class]") ? `.${[...element.closest("[class]").classList].join(".")}` : element.tagName;
    faults.push(`${what}: <${element.tagName.toLowerCase()}> in ${name}: “${(element.textContent || "").trim().slice(0, 40)}” ${more}`);
  };
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > width + 1 && !scroller(e));
    faults.push(`the page scrolls sideways: ${document.documentElement.scrollWidth} in ${width}`);
    wide.slice(0, 3).forEach(e => say("too wide", e));
  }
  if (document.scripts.length) faults.push("the page has a script");
  if (document.querySelectorAll("h1").length !== 1) faults.push("the page has not one h1");
  if (!document.documentElement.lang) faults.push("the page has no language");

  // The nearest ancestor that scrolls what is in it.
  function scroller(element) {
    for (let e = element; e && e !== document.body; e = e.parentElement) {
      if (/(auto|scroll)/.test(getComputedStyle(e).overflowX)) return e;
    }
    return null;
  }
  const seen = element => {
    const style = getComputedStyle(element);
    for (let e = element; e; e = e.parentElement) {
      // Kept for screen readers alone.
      if (getComputedStyle(e).clip.startsWith("rect(0px")) return false;
    }
    return style.visibility !== "hidden" && !element.closest(".skip") && element.getClientRects().length > 0;
  };
  const rgba = text => (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number).concat(1).slice(0, 4);
  const over = (front, back) => front.slice(0, 3).map((c, i) => c * front[3] + back[i] * (1 - front[3])).concat(1);
  const background = element => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) {
      const colour = rgba(getComputedStyle(e).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255, 1]);
  };
  const light = colour => {
    const [r, g, b] = colour.slice(0, 3).map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const readable = (element, text, what) => {
    const back = background(element);
    const ratio = contrast(over(rgba(text), back), back);
    if (ratio < 4.5) say(`${what} has contrast ${ratio.toFixed(2)}`, element);
  };

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let texts = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || !seen(element) || element.closest("title,desc,option,script,style")) continue;
    texts += 1;
    const svg = element instanceof SVGElement;
    const style = getComputedStyle(element);
    readable(element, svg ? style.fill : style.color, "text");
    if (parseFloat(style.fontSize) < 11.5 && !element.closest(".u,.id,code")) say(`type of ${style.fontSize}`, element);
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    // Names and hashes end in an ellipsis on purpose: the whole is in their title.
    if (element.closest(".name,.cid")) {
      const cut = [element, ...element.querySelectorAll("*")].concat(element.closest(".name,.cid")).some(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline");
      if (cut && !element.closest("[title]")) say("cut without its whole in a title", element);
      continue;
    }
    if ((box.right > width + 1 || box.left < -1) && !scroller(element)) say("text leaves the page", element, `${box.left}–${box.right}`);
    for (let e = element; e && e !== document.body; e = e.parentElement) {
      const clips = getComputedStyle(e).overflowX;
      if (clips !== "hidden" && clips !== "clip") continue;
      const frame = e.getBoundingClientRect();
      if (box.right > frame.right + 1 || box.left < frame.left - 1) say("text is cut", element);
    }
  }
  if (texts < 10) faults.push(`the page says next to nothing: ${texts} texts`);
  for (const input of document.querySelectorAll("input[placeholder]")) {
    if (!seen(input)) continue;
    readable(input, getComputedStyle(input, "::placeholder").color, "a hint");
    const probe = document.createElement("canvas").getContext("2d");
    const style = getComputedStyle(input);
    probe.font = style.font;
    const room = input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (probe.measureText(input.placeholder).width > room + 1) say("a hint is cut", input, input.placeholder);
  }
  // Boxes that hold text and show less than it needs.
  for (const e of document.querySelectorAll("h1,h2,h3,p,dd,dt,td,th,li,a,button,summary,label,.chip,.st")) {
    if (!seen(e) || e.closest(".name,.cid,svg") || e.querySelector(".name,.cid,svg")) continue;
    if (getComputedStyle(e).display === "inline" || scroller(e) === e) continue;
    if (e.scrollWidth > e.clientWidth + 1) say(`a box shows ${e.clientWidth} of ${e.scrollWidth} px`, e);
  }
  // Labels of one drawing that lie on each other.
  for (const drawing of document.querySelectorAll("svg")) {
    const labels = [...drawing.querySelectorAll("text")].filter(seen).map(e => [e, e.getBoundingClientRect()]);
    labels.forEach(([a, x], i) => labels.slice(i + 1).forEach(([b, y]) => {
      const across = Math.min(x.right, y.right) - Math.max(x.left, y.left);
      const down = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
      if (across > 1 && down > 4) say(`labels lie on each other: “${b.textContent}”`, a);
    }));
  }
  for (const table of document.querySelectorAll("table")) {
    const head = table.tHead && table.tHead.querySelector("th"), row = table.tBodies[0] && table.tBodies[0].rows[0];
    if (!head || !row || !seen(head)) continue;
    const hidden = head.getBoundingClientRect().bottom - row.getBoundingClientRect().top;
    if (hidden > 1) say(`the head of a table lies ${hidden.toFixed(0)} px on its first row`, table);
  }
  for (const table of document.querySelectorAll(".tbox>table")) {
    const over = table.getBoundingClientRect().right - table.parentElement.getBoundingClientRect().right;
    if (seen(table) && over > 1 && !scroller(table)) say(`a table leaves its box by ${over.toFixed(0)} px`, table);
  }
  for (const box of document.querySelectorAll(".tbox,.code")) {
    if (!seen(box) || !/(auto|scroll)/.test(getComputedStyle(box).overflowX)) continue;
    if (box.scrollWidth > box.clientWidth + 1 && box.tabIndex < 0) say("a box that scrolls cannot be reached by keyboard", box);
  }
  return faults;
})()
