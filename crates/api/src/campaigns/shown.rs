// SPDX-License-Identifier: Apache-2.0
//! Campaigns as they are shown: identifiers of people masked, reasons in words.

use serde::Serialize;
use utoipa::ToSchema;
use wardroom_account::campaign::{Campaign, Kind, Look as Found, Member, Reason, Shared, Suspect};
use wardroom_event::{Field, Type, Value};
use wardroom_history::query::Look;

/// The campaigns of a period.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Campaigns)]
pub struct CampaignsBody {
    /// The campaigns, the strongest first.
    pub campaigns: Vec<CampaignBody>,
    /// How many sign-ups were looked at.
    pub signups: usize,
    /// From when on, in RFC 3339.
    pub from: String,
    /// Until when.
    pub to: String,
    /// Whether all of them could be looked at: there are bounds on how many are, and on how long it may take.
    pub complete: bool,
}

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Campaign)]
pub struct CampaignBody {
    /// Its name.
    pub name: String,
    /// How many members it has.
    pub members: usize,
    /// When the first of them signed up, in RFC 3339.
    pub first: String,
    /// When the last did.
    pub last: String,
    /// How much more likely this is of one hand than of honest people, in nats.
    pub evidence: f64,
    /// What they share, the strongest first.
    pub shared: Vec<SharedBody>,
    /// The members themselves, where one campaign is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub accounts: Vec<MemberBody>,
}

/// What members share.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignShared)]
pub struct SharedBody {
    /// What it is, such as `email.site` or `form_time`.
    pub what: &'static str,
    /// It and its value in words.
    pub words: String,
    /// How many members have it.
    pub members: usize,
    /// Of how many it is known.
    pub of: usize,
    /// How many of them would by honest sharing.
    pub expected: f64,
    /// What that says, in nats.
    pub nats: f64,
}

/// A member of a campaign.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignMember)]
pub struct MemberBody {
    /// The account; masked unless it may be seen.
    pub account: String,
    /// The record of its sign-up.
    pub decision: String,
    /// When it signed up, in RFC 3339.
    pub time: String,
    /// What it shares with the others, in nats.
    pub evidence: f64,
    /// Which of what is shared it has, by place in `shared`, from 0.
    pub shares: Vec<usize>,
}

/// An account that is likely bad by its kin.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suspect)]
pub struct SuspectBody {
    /// The account; masked unless it may be seen.
    pub account: String,
    /// The record of its sign-up.
    pub decision: String,
    /// When it signed up, in RFC 3339.
    pub time: String,
    /// How likely it is bad.
    pub probability: f64,
    /// The nearest of those that are known to be; masked likewise.
    pub kin: String,
    /// The campaign that both are of.
    pub campaign: Option<String>,
    /// What it shares with that one, in words, with what each says in nats.
    pub because: Vec<ReasonBody>,
}

/// What a suspect shares with a bad account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuspectReason)]
pub struct ReasonBody {
    /// What it is.
    pub what: &'static str,
    /// It and its value in words.
    pub words: String,
    /// What that says, in nats.
    pub nats: f64,
}

/// All campaigns that were found, without their members.
pub fn all(found: &Found, look: Look) -> Vec<CampaignBody> {
    found
        .campaigns()
        .iter()
        .map(|campaign| CampaignBody { accounts: Vec::new(), ..one(campaign, look) })
        .collect()
}

/// A campaign with its members.
pub fn one(campaign: &Campaign, look: Look) -> CampaignBody {
    CampaignBody {
        name: campaign.name.clone(),
        members: campaign.members.len(),
        first: campaign.first.to_string(),
        last: campaign.last.to_string(),
        evidence: rounded(campaign.evidence),
        shared: campaign.shared.iter().map(|shared| of_shared(shared, look)).collect(),
        accounts: campaign.members.iter().map(|member| of_member(member, look)).collect(),
    }
}

fn of_shared(shared: &Shared, look: Look) -> SharedBody {
    SharedBody {
        what: shared.kind.id(),
        words: words(shared.kind, &shared.value, look),
        members: shared.members,
        of: shared.of,
        expected: rounded(shared.expected),
        nats: rounded(shared.nats),
    }
}

fn of_member(member: &Member, look: Look) -> MemberBody {
    MemberBody {
        account: account(&member.account, look),
        decision: member.seq.to_string(),
        time: member.time.to_string(),
        evidence: rounded(member.evidence),
        shares: member.shares.clone(),
    }
}

/// An account that a sweep proposes.
pub fn suspect(suspect: &Suspect, look: Look) -> SuspectBody {
    let because = |reason: &Reason| ReasonBody {
        what: reason.kind.id(),
        words: words(reason.kind, &reason.value, look),
        nats: rounded(reason.nats),
    };
    SuspectBody {
        account: account(&suspect.account, look),
        decision: suspect.seq.to_string(),
        time: suspect.time.to_string(),
        probability: (suspect.probability * 1000.0).round() / 1000.0,
        kin: account(&suspect.kin, look),
        campaign: suspect.campaign.clone(),
        because: suspect.because.iter().map(because).collect(),
    }
}

fn account(name: &str, look: Look) -> String {
    shown(Type::Account, name, look)
}

fn words(kind: Kind, value: &str, look: Look) -> String {
    let of = match kind {
        Kind::Machine => Type::Device,
        Kind::OneMailbox => Type::Email,
        kind if kind.is_personal() => Type::Account,
        _ => Type::Text,
    };
    format!("{} {}", kind.words(), shown(of, value, look))
}

fn shown(kind: Type, text: &str, look: Look) -> String {
    look.text(&Field::plain("", kind, true), &Value::Text(text.into()))
}

fn rounded(nats: f64) -> f64 {
    (nats * 10.0).round() / 10.0
}
