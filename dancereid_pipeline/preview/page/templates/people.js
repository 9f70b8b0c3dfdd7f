// The grid of people: draws rows when they come near, one switch for all skeletons, filters, tips.

const grid = document.getElementById("grid");
const people = [...grid.querySelectorAll(".person")];
const filters = document.getElementById("filters");
const tip = document.getElementById("tip");

function cropsOf(person) {
  person.crops ??= JSON.parse(person.querySelector("script").textContent);
  return person.crops;
}

function describe(person, crop) {
  const [split, video] = [...person.querySelectorAll("header p")].map((line) => line.textContent);
  return `person ${person.dataset.person}, video ${video}, frame ${crop.frame}, ${split}`;
}

function draw(person) {
  if (person.drawn) return;
  person.drawn = true;
  const crops = cropsOf(person).map((crop, index) => {
    const image = make("img", { src: crop.image, alt: "", decoding: "async" });
    const overlay = makeSvg(
      "svg",
      { viewBox: `0 0 ${about.width} ${about.height}`, "aria-hidden": "true" },
      [pose(crop.keypoints)],
    );
    const label = `${describe(person, crop)}; see it large`;
    const withPose = make("span", { class: "image" }, [image, overlay]);
    const number = make("span", { class: "number", "aria-hidden": "true" }, [String(crop.frame)]);
    const button = make("button", { type: "button", class: "crop", "aria-label": label }, [
      withPose,
      number,
    ]);
    button.dataset.index = index;
    return button;
  });
  person.querySelector(".crops").replaceChildren(...crops);
}

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      draw(entry.target);
      near.unobserve(entry.target);
    }
  },
  { rootMargin: "800px" },
);
people.forEach((person) => near.observe(person));

// The people in a text like "3, 5-7" as [first, last], and the words that are neither.
function wantedPeople(text) {
  const ranges = [];
  const misread = [];
  for (const word of text.replace(/\s*[-–]\s*/g, "-").split(/[\s,;]+/).filter(Boolean)) {
    const found = word.match(/^(\d+)(?:-(\d+))?$/);
    if (found) ranges.push([Number(found[1]), Number(found[2] ?? found[1])]);
    else misread.push(word);
  }
  return { ranges, misread };
}

function filter() {
  const split = document.getElementById("split").value;
  const video = document.getElementById("video").value;
  const { ranges, misread } = wantedPeople(document.getElementById("person").value);
  const isWanted = (id) => ranges.some(([first, last]) => first <= id && id <= last);
  let shown = 0;
  for (const person of people) {
    const { split: ofSplit, video: ofVideo, person: id } = person.dataset;
    const fits =
      (!split || split === ofSplit) && (!video || video === ofVideo) && (!ranges.length || isWanted(Number(id)));
    person.hidden = !fits;
    shown += fits;
  }
  document.getElementById("shown").textContent = `${shown} of ${people.length} ${people.length === 1 ? "row" : "rows"}`;
  const note = document.getElementById("misread");
  note.hidden = !misread.length;
  note.textContent = `Person: not understood: ${misread.join(" ")}. Write numbers, or ranges like 3-7.`;
  document.getElementById("nobody").hidden = shown > 0;
  document.getElementById("clear").hidden = shown === people.length;
}

function showSkeletons() {
  grid.classList.toggle("plain", !document.getElementById("skeletons").checked);
}

filters.addEventListener("input", filter);
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("reset", (event) => {
  event.preventDefault(); // a reset would also switch the skeletons
  for (const name of ["split", "video", "person"]) document.getElementById(name).value = "";
  filter();
  document.getElementById("split").focus();
});
document.getElementById("skeletons").addEventListener("change", showSkeletons);
for (const button of document.querySelectorAll(".show")) {
  button.addEventListener("click", () => {
    document.getElementById("split").value = document.getElementById("video").value = "";
    document.getElementById("person").value = button.dataset.people;
    filter();
    document.getElementById("people").scrollIntoView();
    document.getElementById("person").focus({ preventScroll: true });
  });
}

function showTip(button) {
  const person = button.closest(".person");
  tip.textContent = describe(person, cropsOf(person)[button.dataset.index]);
  tip.hidden = false;
  const box = button.getBoundingClientRect();
  const around = tip.offsetParent.getBoundingClientRect(); // the tip scrolls with the section
  const left = box.left + box.width / 2 - tip.offsetWidth / 2;
  const widest = document.documentElement.clientWidth - tip.offsetWidth - 8;
  tip.style.left = `${Math.max(8, Math.min(left, widest)) - around.left}px`;
  tip.style.top = `${box.top - around.top - tip.offsetHeight - 6}px`;
}

function hideTip() {
  tip.hidden = true;
}

for (const [coming, going] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
  grid.addEventListener(coming, (event) => {
    const button = event.target.closest(".crop");
    if (button) showTip(button);
  });
  grid.addEventListener(going, hideTip);
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hideTip();
});

addEventListener("beforeprint", () => {
  people.filter((person) => !person.hidden).forEach(draw);
  document.querySelectorAll("details").forEach((details) => (details.open = true));
});

filter();
showSkeletons();
