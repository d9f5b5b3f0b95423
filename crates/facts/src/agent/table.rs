// SPDX-License-Identifier: Apache-2.0
//! What words in a user agent mean. Of several that are found the first in its table counts.
//!
//! A key is written in lower case and meets a word in any case: `curl` a whole word, or what stands between its
//! dashes and dots; `chrome/` a word with a slash behind it and none before, for names that are also words of a language or of a
//! phone's model; `apple mail` two words with one space between. So the order says: who hides behind another's name
//! comes before the one whose name it borrows. Every browser says `Mozilla`, most say `Safari` or `Chrome`.

/// A name, and what shows it.
pub(super) type Row = (&'static str, &'static [&'static str]);

/// The family of what names no known program, but has a word that ends in one of [`BOT_ENDINGS`].
pub(super) const BOT: &str = "bot";
/// The family or system of what nothing is known of.
pub(super) const OTHER: &str = "other";
/// The family of pages shown inside an app: the page cannot tell which.
pub(super) const WEB_VIEW: &str = "WebView";
/// The family that becomes [`ANDROID_BROWSER`] on Android, where there is no Safari.
pub(super) const SAFARI: &str = "Safari";
/// The browser of Android before Chrome; it says `Safari`.
pub(super) const ANDROID_BROWSER: &str = "Android Browser";

/// How the names of robots end.
pub(super) const BOT_ENDINGS: [&str; 7] = ["bot", "bots", "crawler", "spider", "crawl", "scraper", "fetcher"];

/// Words that end like a robot's name and are none: makers of phones.
pub(super) const NO_BOTS: [&str; 1] = ["cubot"];

/// Robots that name themselves. They stand before [`BOT`]; all other families after it.
pub(super) const BOTS: &[Row] = &[
    ("Googlebot", &["googlebot", "googlebot-image", "googlebot-video", "googlebot-news"]),
    ("AdsBot-Google", &["adsbot-google", "adsbot-google-mobile", "adsbot-google-mobile-apps"]),
    ("Mediapartners-Google", &["mediapartners-google"]),
    ("Feedfetcher-Google", &["feedfetcher-google"]),
    ("GoogleOther", &["googleother", "googleother-image", "googleother-video"]),
    ("Google-InspectionTool", &["google-inspectiontool"]),
    ("Google-Read-Aloud", &["google-read-aloud"]),
    ("GoogleImageProxy", &["googleimageproxy"]),
    ("bingbot", &["bingbot", "adidxbot", "msnbot", "msnbot-media", "bingpreview/"]),
    (
        "YandexBot",
        &[
            "yandexbot",
            "yandexmobilebot",
            "yandeximages",
            "yandexvideo",
            "yandexmedia",
            "yandexmetrika",
            "yandexwebmaster",
            "yandexaccessibilitybot",
            "yandexrenderresourcesbot",
            "yandexdirect",
        ],
    ),
    ("Baiduspider", &["baiduspider", "baiduspider-render", "baiduspider-image"]),
    ("DuckDuckBot", &["duckduckbot", "duckduckbot-https", "duckduckgo-favicons-bot", "duckassistbot"]),
    ("Yahoo! Slurp", &["slurp"]),
    ("Applebot", &["applebot", "applebot-extended"]),
    ("PetalBot", &["petalbot"]),
    ("Sogou spider", &["sogou web", "sogou pic", "sogou spider"]),
    ("SeznamBot", &["seznambot"]),
    ("Yeti", &["yeti/"]),
    ("Exabot", &["exabot", "exabot-thumbnails"]),
    ("Qwantbot", &["qwantify", "qwantbot"]),
    ("MojeekBot", &["mojeekbot"]),
    ("GPTBot", &["gptbot"]),
    ("ChatGPT-User", &["chatgpt-user"]),
    ("OAI-SearchBot", &["oai-searchbot"]),
    ("ClaudeBot", &["claudebot", "claude-web", "claude-user", "claude-searchbot", "anthropic-ai"]),
    ("PerplexityBot", &["perplexitybot", "perplexity-user"]),
    ("CCBot", &["ccbot"]),
    ("Bytespider", &["bytespider"]),
    ("Amazonbot", &["amazonbot"]),
    ("meta-externalagent", &["meta-externalagent", "meta-externalfetcher", "facebookbot"]),
    ("facebookexternalhit", &["facebookexternalhit", "facebookcatalog", "facebookplatform"]),
    ("Twitterbot", &["twitterbot"]),
    ("LinkedInBot", &["linkedinbot"]),
    ("Slackbot", &["slackbot", "slackbot-linkexpanding", "slack-imgproxy"]),
    ("Discordbot", &["discordbot"]),
    ("TelegramBot", &["telegrambot"]),
    ("WhatsApp", &["whatsapp/"]),
    ("SkypeUriPreview", &["skypeuripreview"]),
    ("Pinterestbot", &["pinterestbot"]),
    ("redditbot", &["redditbot"]),
    ("Embedly", &["embedly"]),
    ("Flipboard", &["flipboardproxy", "flipboardrss"]),
    ("AhrefsBot", &["ahrefsbot", "ahrefssiteaudit"]),
    ("SemrushBot", &["semrushbot", "siteauditbot", "splitsignalbot"]),
    ("MJ12bot", &["mj12bot"]),
    ("DotBot", &["dotbot"]),
    ("rogerbot", &["rogerbot"]),
    ("BLEXBot", &["blexbot"]),
    ("DataForSeoBot", &["dataforseobot"]),
    ("SerpstatBot", &["serpstatbot"]),
    ("Screaming Frog", &["screaming frog"]),
    ("archive.org_bot", &["archive.org_bot", "ia_archiver", "wayback", "heritrix"]),
    ("CensysInspect", &["censysinspect"]),
    ("Expanse", &["expanse"]),
    ("NetcraftSurveyAgent", &["netcraftsurveyagent"]),
    ("UptimeRobot", &["uptimerobot"]),
    ("Pingdom", &["pingdom", "pingdompagespeed", "pingdomtms"]),
    ("StatusCake", &["statuscake"]),
    ("Site24x7", &["site24x7"]),
    ("Datadog", &["datadogsynthetics", "datadog"]),
    ("Monit", &["monit/"]),
    ("Nagios", &["check_http", "nagios"]),
    ("Chrome-Lighthouse", &["chrome-lighthouse"]),
    ("Google Web Preview", &["google web"]),
    ("W3C validator", &["w3c_validator", "w3c-checklink", "w3c_css_validator", "validator.nu"]),
    ("Feedly", &["feedly", "feedlybot"]),
    ("Tiny Tiny RSS", &["tiny tiny"]),
    ("NewsBlur", &["newsblur"]),
    ("Feedbin", &["feedbin"]),
    ("Inoreader", &["inoreader"]),
    ("UniversalFeedParser", &["universalfeedparser"]),
    ("FeedBurner", &["feedburner"]),
    ("Nutch", &["nutch"]),
];

/// What tries doors: scanners of networks and of web applications.
const SCANNERS: &[Row] = &[
    ("Nmap", &["nmap scripting", "nmap"]),
    ("masscan", &["masscan"]),
    ("ZGrab", &["zgrab"]),
    ("sqlmap", &["sqlmap"]),
    ("Nikto", &["nikto"]),
    ("Nuclei", &["nuclei"]),
    ("WPScan", &["wpscan"]),
    ("DirBuster", &["dirbuster"]),
    ("gobuster", &["gobuster"]),
    ("ffuf", &["fuzz faster", "ffuf"]),
    ("Wfuzz", &["wfuzz"]),
    ("feroxbuster", &["feroxbuster"]),
    ("Hydra", &["hydra"]),
    ("OpenVAS", &["openvas"]),
    ("Nessus", &["nessus"]),
    ("Acunetix", &["acunetix"]),
    ("Arachni", &["arachni"]),
    ("muhstik", &["muhstik-scan"]),
    ("httpx", &["projectdiscovery"]),
];

/// Browsers that a program drives.
const DRIVEN: &[Row] = &[
    ("HeadlessChrome", &["headlesschrome"]),
    ("PhantomJS", &["phantomjs"]),
    ("SlimerJS", &["slimerjs"]),
    ("Selenium", &["selenium"]),
    ("Puppeteer", &["puppeteer"]),
    ("Playwright", &["playwright"]),
    ("Cypress", &["cypress/"]),
    ("jsdom", &["jsdom"]),
    ("HtmlUnit", &["htmlunit"]),
];

/// Command-line tools, and what programs use to speak HTTP.
const LIBRARIES: &[Row] = &[
    ("Chef Client", &["chef client", "chef knife"]),
    ("curl", &["curl", "libcurl", "pycurl", "libcurl-agent", "curl-php"]),
    ("wget", &["wget", "wget2"]),
    ("HTTPie", &["httpie"]),
    ("aria2", &["aria2"]),
    ("python-requests", &["python-requests"]),
    ("Scrapy", &["scrapy"]),
    ("aiohttp", &["aiohttp"]),
    ("python-httpx", &["python-httpx"]),
    ("Python-urllib", &["python-urllib", "python-urllib3", "python-httplib2"]),
    ("Python", &["python/"]),
    ("Go-http-client", &["go-http-client", "fasthttp", "go-resty"]),
    ("Go", &["go 1.1", "go package", "colly"]),
    ("okhttp", &["okhttp"]),
    ("Apache-HttpClient", &["apache-httpclient", "apache-httpasyncclient", "jakarta commons-httpclient"]),
    ("Java", &["java/", "java-http-client", "jersey/", "httpunit", "jsoup"]),
    ("axios", &["axios"]),
    ("got", &["got/"]),
    ("superagent", &["node-superagent", "superagent"]),
    ("node-fetch", &["node-fetch", "node.js", "undici", "node"]),
    ("Deno", &["deno/"]),
    ("Bun", &["bun/"]),
    ("PostmanRuntime", &["postmanruntime", "postman"]),
    ("Insomnia", &["insomnia"]),
    ("libwww-perl", &["libwww-perl", "lwp-trivial", "lwp", "www-mechanize"]),
    ("Ruby", &["ruby", "faraday", "rest-client", "httparty", "mechanize", "typhoeus", "httpclient"]),
    ("PHP", &["php/", "guzzlehttp", "http_request2", "guzzle", "symfony", "pear"]),
    ("WordPress", &["wordpress"]),
    ("reqwest", &["reqwest", "ureq", "hyper/", "isahc"]),
    ("Dart", &["dart/", "dio/"]),
    ("PowerShell", &["windowspowershell", "powershell"]),
    ("WinHTTP", &["winhttp", "winhttprequest"]),
    ("Microsoft BITS", &["microsoft bits"]),
    ("Microsoft-CryptoAPI", &["microsoft-cryptoapi"]),
    ("WinINet", &["wininet"]),
    (".NET", &["restsharp", "flurl"]),
    ("git", &["git/"]),
    ("apt", &["debian apt-http", "apt-http"]),
    ("Xenu", &["xenu link", "xenu"]),
    ("VLC", &["vlc/", "libvlc"]),
    ("Lavf", &["lavf"]),
    ("gSOAP", &["gsoap"]),
    ("DAVx5", &["davx5", "davdroid"]),
    ("rclone", &["rclone"]),
    ("Nextcloud", &["mirall", "nextcloud-android", "nextcloud-ios", "nextcloud"]),
];

/// Robots that name only a page of their own, as browsers never do.
const CONTACTS: &[Row] = &[(BOT, &["+http", "+https"])];

/// Mail programs, as user agents and as `X-Mailer` and `User-Agent` of a message.
const MAIL: &[Row] = &[
    ("Thunderbird", &["thunderbird", "icedove", "betterbird"]),
    ("K-9 Mail", &["k-9 mail", "k-9"]),
    ("FairEmail", &["fairemail"]),
    (
        "Outlook",
        &["microsoft outlook", "outlook-ios", "outlook-android", "outlook-express", "outlook express"],
    ),
    ("Outlook", &["outlook-ios-android", "macoutlook", "microsoft office", "msoffice", "ms-office"]),
    ("Windows Mail", &["windows live", "microsoft windows"]),
    ("Apple Mail", &["apple mail", "iphone mail", "ipad mail", "ipod mail", "mail/"]),
    ("Evolution", &["evolution"]),
    ("KMail", &["kmail"]),
    ("Mutt", &["mutt", "neomutt"]),
    ("Sylpheed", &["claws mail", "sylpheed"]),
    ("The Bat!", &["the bat"]),
    ("Roundcube", &["roundcube webmail", "roundcube"]),
    ("SquirrelMail", &["squirrelmail"]),
    ("PHPMailer", &["phpmailer"]),
    ("Swaks", &["swaks"]),
];

/// Apps that show pages inside themselves.
const APPS: &[Row] = &[
    ("Instagram", &["instagram"]),
    ("Facebook", &["fban/", "fbav/", "fb_iab/", "fbios"]),
    ("TikTok", &["musical_ly", "bytedancewebview", "tiktok", "trill"]),
    ("Snapchat", &["snapchat"]),
    ("Pinterest", &["pinterest/", "pinterest"]),
    ("LinkedIn", &["linkedinapp"]),
    ("Twitter", &["twitter for", "twitterandroid"]),
    ("WeChat", &["micromessenger"]),
    ("LINE", &["line/"]),
    ("KakaoTalk", &["kakaotalk"]),
    ("Naver", &["naver"]),
    ("Telegram", &["telegram-android"]),
    ("Google app", &["gsa/"]),
    ("Electron", &["electron/"]),
];

/// Browsers: those that add a name to another's come first.
const BROWSERS: &[Row] = &[
    ("Edge", &["edg/", "edge/", "edga/", "edgios/", "edgw/"]),
    ("Opera", &["opr/", "opera/", "opera mini", "opios/", "opt/", "opx/", "oprgx/", "opera"]),
    ("Samsung Internet", &["samsungbrowser"]),
    ("Yandex Browser", &["yabrowser", "yasearchbrowser", "yaapp_android"]),
    ("UC Browser", &["ucbrowser", "ubrowser", "ucweb"]),
    ("QQ Browser", &["qqbrowser", "mqqbrowser"]),
    ("MIUI Browser", &["miuibrowser", "xiaomi/"]),
    ("Huawei Browser", &["huaweibrowser"]),
    ("Vivo Browser", &["vivobrowser"]),
    ("HeyTap Browser", &["heytapbrowser"]),
    ("Vivaldi", &["vivaldi"]),
    ("Whale", &["whale/"]),
    ("DuckDuckGo", &["duckduckgo/", "ddg/"]),
    ("Silk", &["silk/", "silk-accelerated"]),
    ("Puffin", &["puffin/"]),
    ("Maxthon", &["maxthon", "mxbrowser"]),
    ("Coc Coc", &["coc_coc_browser"]),
    ("Avast", &["avast/", "avg/", "ccleaner/", "norton/"]),
    ("Sogou Browser", &["metasr", "sogoumobilebrowser"]),
    ("Konqueror", &["konqueror"]),
    ("Midori", &["midori"]),
    ("Epiphany", &["epiphany"]),
    ("QtWebEngine", &["qtwebengine", "qutebrowser"]),
    ("PaleMoon", &["palemoon", "goanna/"]),
    ("SeaMonkey", &["seamonkey", "iceape"]),
    ("Waterfox", &["waterfox"]),
    ("Firefox", &["firefox/", "fxios/", "focus/", "klar/", "iceweasel", "icecat", "fennec"]),
    ("NetFront", &["netfront"]),
    ("BlackBerry", &["blackberry", "bb10"]),
    ("Internet Explorer", &["msie", "trident/", "iemobile"]),
    (WEB_VIEW, &["wv"]),
    ("Chrome", &["chrome/", "crios/", "chromium/", "crmo/", "chromeplus"]),
    (SAFARI, &["safari"]),
    ("Lynx", &["lynx/"]),
    ("Links", &["links", "elinks"]),
    ("w3m", &["w3m"]),
    ("Dillo", &["dillo"]),
    ("CFNetwork", &["cfnetwork"]),
    ("Dalvik", &["dalvik"]),
    (WEB_VIEW, &["applewebkit/"]),
];

/// All families after [`BOTS`] and [`BOT`], in order.
pub(super) const FAMILIES: [&[Row]; 7] = [SCANNERS, LIBRARIES, CONTACTS, DRIVEN, MAIL, APPS, BROWSERS];

/// Operating systems, in order: a phone's own name before the system whose likeness it claims.
pub(super) const SYSTEMS: &[Row] = &[
    ("Windows Phone", &["windows phone", "iemobile"]),
    ("HarmonyOS", &["harmonyos", "openharmony"]),
    ("KaiOS", &["kaios"]),
    ("Tizen", &["tizen"]),
    ("webOS", &["web0s", "webos"]),
    ("Android", &["android", "outlook-android"]),
    ("iOS", &["iphone", "ipad", "ipod", "ios", "fbios", "crios", "fxios", "edgios", "outlook-ios"]),
    ("ChromeOS", &["cros"]),
    ("FreeBSD", &["freebsd"]),
    ("OpenBSD", &["openbsd"]),
    ("NetBSD", &["netbsd"]),
    (
        "Windows",
        &["windows", "win64", "win32", "winnt", "win98", "win95", "windowspowershell", "winhttp", "mingw32"],
    ),
    ("macOS", &["macintosh", "mac os", "macos", "os x", "mac_powerpc", "osx", "macoutlook"]),
    ("Linux", &["linux", "ubuntu", "debian", "fedora", "gentoo"]),
];
