// SPDX-License-Identifier: Apache-2.0
//! Pages as strangers write them, in tables.

use super::*;
use crate::limits::Budget;
use proptest::prelude::*;

struct Told {
    visible: String,
    hidden: String,
    marks: String,
    facts: HtmlFacts,
    page: Page,
}

fn told(html: &str) -> Told {
    let (mut facts, mut visible, mut hidden) = (HtmlFacts::default(), String::new(), String::new());
    let page = read(html, &mut facts, &mut visible, &mut hidden, &mut Budget::default(), &mut Set::new());
    let marks: Vec<_> = page.marks.iter().map(crate::kind::Kind::name).collect();
    Told { visible, hidden, marks: marks.join(" "), facts, page }
}

#[track_caller]
fn check(html: &str, visible: &str, hidden: &str, marks: &str) {
    let told = told(html);
    let got = (told.visible.trim_end(), told.hidden.trim_end(), told.marks.as_str());
    assert_eq!(got, (visible, hidden, marks), "{html}");
}

#[test]
fn text_is_what_is_seen() {
    check("<p>Hello,&nbsp;<b>w</b>orld &amp; all&#33;</p><p>x", "Hello, world & all!\nx", "", "");
    check("a<br>b<div>c</div>d", "a\nb\nc\nd", "", "");
    check("<table><tr><td>a<td>b</table>", "a b", "", "");
    check("1 < 2 &lt; 3 &unknown; &#x41; &copy", "1 < 2 < 3 &unknown; A ©", "", "");
    check("<title>T</title><style>p{color:red}</style>x<!-- y -->z", "xz", "T", "");
    check("&#147;q&#148;", "“q”", "", "");
    check("<img alt='A cat' src=cid:1> <a href=x title='>'>more</a>", "A cat more", "", "image_only");
    check("<p>vi<!-- x -->ag<b></b>ra</p>", "viagra", "", "");
    check("v<!--a-->i<!--b-->ag<!--c-->ra <!-- d --> x", "viagra x", "", "word_split");
    check("<a \"x>y", "y", "", "");
    check("a<b", "a", "", "");
    check("</p >a</ p>b<!> c<?php ?>d", "ab cd", "", "");
}

#[test]
fn text_that_is_hidden() {
    check("a<span style='display:none'>b</span>c", "ac", "b", "hidden_display");
    check("a<span style='DISPLAY : None'>b<i>c</i></span>d", "ad", "bc", "hidden_display");
    check("a<div hidden>b</div>c", "a\nc", "b", "hidden_attribute");
    check("a<font style='font-size:0px'>b</font>", "a", "b", "hidden_size");
    check("<td style='font-size:0'>a<p style='font-size:12px'>b</p></td>", "b", "a", "hidden_size");
    check("a<font color=#ffffff>b</font>", "a", "b", "hidden_color");
    check("<body bgcolor=#000>a<p style='color:white'>b</p></body>", "b", "a", "hidden_color");
    check("<td style='background:#fefefe;color:rgb(255, 255,255)'>a</td>", "", "a", "hidden_color");
    check("<td background='http://e.org/x.png'><font color=white>a</font></td>", "a", "", "");
    check("a<p style='max-height:0;overflow:hidden'>b</p>", "a", "b", "hidden_size");
    check("a<p style='position:absolute;left:-9999px'>b</p>", "a", "b", "hidden_place");
    check("a<p style='opacity:0'>b</p>", "a", "b", "hidden_color");
    check("<style>.x, p.y {display:none}</style>a<p class='z x'>b</p>", "a", "b", "hidden_display");
    check("<style>@media screen {.x {display:none}} .w{color:red}</style>a<p class=x>b</p>", "a\nb", "", "");
    check("<template>a</template>b", "b", "a", "");
}

#[test]
fn what_a_page_does() {
    check("<form action=//e.org/x><input type=password name=p></form>x", "x", "", "form password_field");
    check("<script>var b=new Blob([atob('x')])</script>x", "x", "", "script smuggling_blob smuggling_decode");
    check("<p onload='eval(x)'>x", "x", "", "event_handler smuggling_decode");
    check("<meta http-equiv=refresh content='0; url=http://e.org/'>x", "x", "", "meta_refresh");
    check("<iframe src=http://e.org></iframe><object data=x></object>x", "x", "", "frame object");
    check(
        "<a href='data:text/html,x'>y</a><a href=javascript:x download>z</a>",
        "yz",
        "",
        "download_link data_url script_url",
    );
    check(
        "<img src=http://e.org/p.gif width=1 height=1>text that is quite long enough to be called a text of its own",
        "text that is quite long enough to be called a text of its own",
        "",
        "tracking_pixel",
    );
}

#[test]
fn where_a_page_leads() {
    let page = told(
        "<base href='http://b.example/dir/'><a href='x'>one <b>two</b></a><a href=http://e.org/?a=1&amp;b=2>\
         <img src=//i.example/p alt=Pic></a><area href=http://f.example><form action='http://g.example/x'>",
    );
    let links: Vec<_> = page
        .page
        .links
        .iter()
        .map(|link| {
            format!("{} {} {}", link.found_in.name(), link.href, link.label.as_deref().unwrap_or("-"))
        })
        .collect();
    assert_eq!(
        links,
        [
            "link http://b.example/dir/x one two",
            "image //i.example/p Pic",
            "link http://e.org/?a=1&b=2 Pic",
            "link http://f.example -",
            "form http://g.example/x -"
        ]
    );
    assert_eq!((page.facts.links, page.facts.remote_images, page.facts.forms), (3, 1, 1));
    assert_eq!(page.facts.form_hosts, ["g.example"]);
}

#[test]
fn what_is_hidden_has_a_share() {
    let facts = told("<p>1234567</p><p style=display:none>12</p>").facts;
    assert_eq!((facts.visible_bytes, facts.hidden_bytes, facts.hidden_percent()), (8, 3, 27));
}

proptest! {
    #[test]
    fn any_page_is_read(html in "(<|>|</|<!--|-->|\"|'|=|/|&|;|#| |\n|a|p|td|é|style|script|href|display:none|font-size:0|&amp|&#65|\u{200b}){0,80}") {
        let told = told(&html);
        prop_assert!(told.visible.len() + told.hidden.len() <= 2 * html.len() + 2);
    }

    #[test]
    fn plain_words_are_seen_as_they_are(words in proptest::collection::vec("[a-z]{1,8}", 1..9)) {
        let html = format!("<html><body><p>{}</p></body></html>", words.join("</b> <b>"));
        let told = told(&html);
        prop_assert_eq!(told.visible.trim_end(), words.join(" "));
        prop_assert_eq!(told.hidden, "");
    }
}
