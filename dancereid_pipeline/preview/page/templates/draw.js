"use strict";
// What wall and large view draw with. Text from the data only ever becomes text or an attribute.

const about = JSON.parse(document.getElementById("about").textContent);

function make(name, attributes = {}, children = []) {
  const element = document.createElement(name);
  return fill(element, attributes, children);
}

function makeSvg(name, attributes = {}, children = []) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  return fill(element, attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function isInside([x, y]) {
  return x >= 0 && y >= 0 && x < about.width && y < about.height;
}

// The side of the person that a joint or bone is on, which is its colour: COCO's odd joints are left.
function sideOf(...joints) {
  const sides = joints.map((joint) => (joint === 0 ? "middle" : joint % 2 ? "left" : "right"));
  return sides.every((side) => side === sides[0]) ? sides[0] : "middle";
}

// A pose in a few paths, not an element a joint: there may be thousands of crops.
function pose(joints) {
  const paths = { left: ["", ""], right: ["", ""], middle: ["", ""] };
  for (const [from, to] of about.bones) {
    paths[sideOf(from, to)][0] += `M${joints[from].join(" ")}L${joints[to].join(" ")}`;
  }
  joints.forEach((joint, number) => {
    paths[sideOf(number)][1] += `M${joint.join(" ")}h0`;
  });
  const group = makeSvg("g", { class: "pose" });
  for (const kind of [0, 1]) {
    for (const [side, drawn] of Object.entries(paths)) {
      group.append(makeSvg("path", { class: `${kind ? "joint" : "bone"} ${side}`, d: drawn[kind] }));
    }
  }
  return group;
}
