"""What tools and people call columns, and their values, that say who may be written to.

Data only: names of columns, fragments of names, words in cells, in the languages that such files
come in. Everything is compared as `normalizing.fold` writes it. The names are those of the exports
of Mailchimp, Brevo, Kit, MailerLite, Ghost, Substack, Klaviyo, HubSpot, ActiveCampaign, Campaign
Monitor, Constant Contact, AWeber, GetResponse, Drip, Omnisend, Moosend, SendGrid, Beehiiv,
Buttondown, MailPoet, Newsletter, Mautic, listmonk, phpList, Sendy, Mailman, Salesforce, Zoho, Wix,
Squarespace, Shopify, WooCommerce, Odoo, CiviCRM, EmailOctopus, AcyMailing, Sender and others.
"""

from subscribers.imports.normalizing import folded
from subscribers.states import SubscriptionStatus, SuppressionReason

SUBSCRIBED = SubscriptionStatus.SUBSCRIBED.value
UNCONFIRMED = SubscriptionStatus.UNCONFIRMED.value
UNSUBSCRIBED = SubscriptionStatus.UNSUBSCRIBED.value
BOUNCED = SuppressionReason.BOUNCED.value
COMPLAINED = SuppressionReason.COMPLAINED.value
BLOCKED = SuppressionReason.IMPORTED.value
LEFT_OUT = "left_out"  # nobody is made of the row: they never agreed

# How a column is read: a word for where somebody stands, or an outcome and what brings it about.
WORD = "word"
WORD_OR_NOTHING = "word_or_nothing"  # an empty cell is nothing against anybody
ASK = "ask"  # it could mean either
LEFT_IF_YES, LEFT_IF_NO = f"{UNSUBSCRIBED}:yes", f"{UNSUBSCRIBED}:no"
LEFT_IF_FILLED = f"{UNSUBSCRIBED}:filled"
BOUNCED_IF_YES, BOUNCED_IF_FILLED = f"{BOUNCED}:yes", f"{BOUNCED}:filled"
COMPLAINED_IF_YES = f"{COMPLAINED}:yes"
UNCONFIRMED_IF_NO, UNCONFIRMED_IF_EMPTY = f"{UNCONFIRMED}:no", f"{UNCONFIRMED}:empty"
KINDS = (
    WORD, WORD_OR_NOTHING, ASK, LEFT_IF_YES, LEFT_IF_NO, LEFT_IF_FILLED, BOUNCED_IF_YES,
    BOUNCED_IF_FILLED, COMPLAINED_IF_YES, UNCONFIRMED_IF_NO, UNCONFIRMED_IF_EMPTY,
)  # fmt: skip


OLD_WORD = "".join(("black", "list"))  # noqa: FLY002 - other tools say it; we don't

# Names that are about consent whatever the values are.
NAMES: dict[str, str] = {
    name: kind
    for kind, names in {
        WORD: """
            status, subscription status, subscriber status, subscribe status, member status,
            membership status email, consent status, email status, mail status, e-mail status,
            email permission status, permission status, email marketing status,
            marketing status, email subscription status, email subscriber status, list status,
            global status, contact status, lead status email, subscriber type,
            subscription type, delivery status, email delivery status,
            email deliverability status, deliverability status, opt in status, optin status,
            email opt in status, subscription state, subscriber state, email state,
            newsletter status, mailing status, estatus, statut, statut abonnement, statut email,
            abonnementstatus, abostatus, newsletterstatus, statut de l'abonné,
            estado de suscripción, estado del suscriptor, estado suscripcion, stato iscrizione,
            stato iscritto, stato abbonamento, status da inscrição, situação da inscrição,
            статус, статус подписки, статус підписки, κατάσταση, κατάσταση εγγραφής,
            abonelik durumu, ステータス, 購読状態, 購読ステータス, 配信状態, 订阅状态,
            訂閱狀態, 구독 상태, 수신 상태, حالة الاشتراك, סטטוס, סטטוס מנוי, status langganan,
            trạng thái đăng ký, สถานะการสมัคร, सदस्यता स्थिति""",
        WORD_OR_NOTHING: """
            email suppressions, email suppression, suppression, suppressions, suppressed,
            suppression reason, suppression status, bounce status, bounce type, stop status""",
        LEFT_IF_YES: f"""
            email {OLD_WORD}ed, email blocklisted, {OLD_WORD}ed, blocklisted, is {OLD_WORD}ed,
            is this subscriber {OLD_WORD}ed, is this user {OLD_WORD}ed, email disabled,
            emails disabled, is this account disabled, deactivated, is deactivated, deleted,
            is deleted, deleted at, canceled at, cancelled at, cancelation date,
            cancellation date, stop time, stopped at, left at, left on, leaving date,
            exit date, confirmed opt-out date, do not email, donotemail, do not mail,
            do not contact, dnc, no email, no mail, no emails, no bulk emails,
            no bulk emails user opt out, bulk email opt out, has opted out of email, gesperrt,
            abgemeldet, abgemeldet am, austragung, austragungsdatum, abmeldedatum, ausgetragen,
            désabonné, désinscrit, désabonné le, bloqué, baja, fecha de baja, fecha baja,
            dado de baja, desuscrito, data disiscrizione, disiscritto, descadastrado,
            descadastro, cancelada em, uitgeschreven, afgemeld, uitschrijfdatum, wypisany,
            wypisano, odhlášen, odhlášeno, odhlásený, leiratkozott, leiratkozás, dezabonat,
            avregistrerad, avanmäld, avmeldt, afmeldt, frameldt, peruutettu, peruuttanut,
            отписан, отписался, отписка, дата отписки, відписаний, відписався, διαγραφή,
            διαγραμμένος, abonelikten çıktı, abonelik iptali, çıkış tarihi, 配信停止,
            配信停止日, 購読解除, 解除日, 退会, 退会日, 退订, 取消订阅, 退訂, 取消訂閱,
            退订时间, 수신거부, 구독취소, 구독 취소, 해지, 해지일, إلغاء الاشتراك,
            ألغى الاشتراك, הוסר, ביטל מנוי, berhenti, berhenti berlangganan, tanggal berhenti,
            hủy đăng ký, đã hủy, ยกเลิก, ยกเลิกการสมัคร, सदस्यता रद्द, अनसब्सक्राइब,
            do not bulk email, donotbulkemail, consent withdrawn, withdrawn at,
            aboneliği iptal, ביטול הרשמה, peruttu""",
        ASK: """
            archived, archived at, cancelado, canceled, cancellato, cancelled, disabled,
            removed, removed at""",
        LEFT_IF_NO: """
            subscribed, is subscribed, issubscribed, subscribed to emails, subscribed to email,
            email subscribed, subscribed to newsletter, subscribe, accepts email marketing,
            accepts marketing, email marketing consent, email consent, email marketing,
            marketing emails, marketing opt in, is active, isactive, is enabled,
            receives emails, receive emails, wants emails, can email, may email, mailable,
            is mailable, emailable, sendable, abonniert, newsletter erwünscht, abonné, abonnée,
            inscrit, suscrito, suscripto, iscritto, inscrito, ingeschreven, aangemeld,
            zapisany, subskrybuje, přihlášen, feliratkozott, feliratkozva, abonat,
            prenumererar, abonnerer, tilmeldt, påmeldt, tilaaja, подписан, подписка активна,
            підписаний, εγγεγραμμένος, abone, abone mi, 購読中, 配信希望, 已订阅, 已訂閱,
            구독중, 수신동의, مشترك, מנוי, berlangganan, đã đăng ký, allow email, allows email,
            allow emails, email allowed, can receive email, can receive emails, mail ok,
            是否订阅, newsletter subscribed""",
        BOUNCED_IF_YES: """
            bounced, is bounced, has bounced, hard bounced, hard bounce, on hold, email on hold,
            clean time, cleaned, bounced at, bounce date, bounced on, invalid email, email invalid,
            is invalid, undeliverable, unzustellbar, rebotado, rimbalzato, rejeté, devolvido,
            odbity, отклонен, バウンス, エラー, 退信, 반송""",
        BOUNCED_IF_FILLED: """
            email hard bounce reason, hard bounce reason, bounce reason, bounce message,
            email hard bounce reason enum, email quarantined reason""",
        COMPLAINED_IF_YES: """
            complained, is complained, complaint, complaints, spam complaint, marked as spam,
            spam, reported spam, reported as spam, is spam, complained at, abuse, abuse report""",
        UNCONFIRMED_IF_NO: """
            confirmed, is confirmed, isconfirmed, is this subscriber confirmed, is this user
            confirmed, email confirmed,
            email verified, is verified, double opt in, double opt-in, double optin, doi,
            doi confirmed, bestätigt, confirmé, confirmée, confirmado, confermato, bevestigd,
            potwierdzony, potvrzeno, potvrzen, megerősített, confirmat, bekräftad, bekreftet,
            bekræftet, vahvistettu, подтвержден, подтверждён, підтверджено, επιβεβαιωμένος,
            onaylı, onaylandı, 確認済み, 確認済, 已确认, 已確認, 확인됨, مؤكد, מאושר,
            terkonfirmasi, dikonfirmasi, đã xác nhận, ยืนยันแล้ว, पुष्टि""",
        UNCONFIRMED_IF_EMPTY: """
            confirmed at, confirmed on, confirmed date, date confirmed, email confirmed at,
            email verified at, verified at, doi date, double opt-in date, double optin date,
            doi at, bestätigt am, bestätigungsdatum, confirmé le, date de confirmation,
            fecha de confirmación, data conferma, data di conferma, data de confirmação,
            bevestigd op, data potwierdzenia, дата подтверждения, 確認日, 确认时间, 확인일,
            tanggal konfirmasi""",
    }.items()
    for name in folded(names)
}
# About consent only if some values are understood: a state of the US, a kind of newsletter.
WEAK_NAMES: dict[str, str] = {
    name: kind
    for kind, names in {
        WORD: """
            state, stato, estado, etat, état, stav, stan, stare, tila, állapot, tilstand, situação,
            situation, состояние, стан, durum, 状態, 狀態, 状态, 상태, الحالة, حالة, מצב, keadaan,
            trạng thái, tình trạng, สถานะ, स्थिति, وضعیت""",
        ASK: "active, aktiv, actif, activo, attivo, ativo, actief, aktywny, aktif, enabled",
        LEFT_IF_NO: """
            newsletter, newsletters, mailing, mailings, mailing list, marketing, emailing,
            email list, bulletin, infolettre, boletín, nieuwsbrief, nyhetsbrev, nyhedsbrev,
            uutiskirje, hírlevél, zpravodaj, рассылка, розсилка, bülten, ニュースレター, メルマガ,
            メール配信, 뉴스레터, نشرة, buletin, permission, gdpr, rgpd, dsgvo, avg, lgpd""",
        LEFT_IF_YES: "blocked, suspended, banned, inactive, is inactive, hidden, excluded",
        UNCONFIRMED_IF_NO: "verified",
    }.items()
    for name in folded(names)
}
# Words of a name that is about consent only if a value says so in words that mean nothing else: the
# status of an order or of a paid subscription says nothing about newsletters.
STATUS_NAMES = frozenset(
    folded(
        """
        status, statut, estado, stato, stav, durum, durumu, статус, ステータス, 状态, 상태, type,
        subscription, subscriptions, subscriber, abonnement, abo, suscripción, iscrizione,
        inscrição, langganan, anmeldestatus, kontostatus"""
    )
)
NEWSLETTERS = folded("newsletter, mailinglist, nieuwsbrief, infolettre, newslet")
# Pieces of names that no list holds. The first that is found decides.
FRAGMENTS: tuple[tuple[str, str], ...] = tuple(
    (piece, kind)
    for kind, pieces in (
        (
            LEFT_IF_YES,
            f"""
                withdraw, revoke, donotbulk, donotallowemail, donotallowbulk, donotsend, unsub,
                optout, optedout, desabonn, desinscri, abgemeld, abmeld, ausgetrag, widerruf,
                {OLD_WORD}, blocklist, donotemail, donotcontact, donotmail, disiscri,
                descadastr, desuscri, uitgeschrev, afgemeld, wypisan, odhlas, leiratkoz,
                dezabon, avregistr, avmeld, afmeld, отпис, відпис, 配信停止, 購読解除, 退订,
                取消订阅, 수신거부, 구독취소, listenoire, listanegra, listanera, sperrliste,
                deactivat, emaildisabled""",
        ),
        (COMPLAINED_IF_YES, "complain, markedasspam, spamreport, reportedspam, abuse"),
        (BOUNCED_IF_YES, "bounce, undeliver, rebot, rimbalz"),
        (WORD_OR_NOTHING, "suppress"),
        (
            UNCONFIRMED_IF_NO,
            "doubleoptin, confirmed, verifiedemail, emailverified, bestatig, подтвержд, підтвердж",
        ),
        (
            LEFT_IF_NO,
            """optin, optedin, acceptsmarketing, acceptsemail, emailconsent, marketingconsent,
            consenttoemail, newsletterconsent, einwilligung, consentement, consentimiento,
            consentimento, consenso, toestemming, subscribedto, marketingpermission,
            emailpermission, newsletteroptin, persetujuan""",
        ),
        (WORD, "subscriptionstatus, subscriberstatus, emailstatus, consentstatus"),
        (LEFT_IF_NO, "consent"),
    )
    for piece in folded(pieces)
)
# Words of a name that make it something else: another channel, a number, an address of a page.
OTHER_THINGS = frozenset(
    folded(
        """
        sms, whatsapp, phone, mobile, push, call, calls, fax, post, postal, trade, url, link,
        href, hash, token, uuid, id, key, plan, price, amount, total, value, score, rate, ratio,
        percent, count, number, num, times, soft, text, page, campaign, name, title, language,
        version"""
    )
)
OTHER_CHANNELS = frozenset({"sms", "whatsapp", "phone", "mobile", "push", "call", "calls", "fax"})
PLAIN_NAMES = frozenset(folded("active subscription, bounces, do not sms, do not phone"))
AS_MOMENT = frozenset(
    folded(
        """
        at, on, date, time, timestamp, datetime, since, datum, zeit, zeitpunkt, am, le, fecha,
        data, tanggal, waktu, tarihi, dato, päivä"""
    )
)
AS_ORIGIN = frozenset(
    folded(
        """
        source, method, form, url, via, channel, quelle, origine, origen, origine, sumber"""
    )
)
AS_REASON = frozenset(
    folded(
        """
        reason, reasons, mode, grund, motif, motivo, comment, comments, note, details"""
    )
)

STATUS_WORDS: dict[str, str] = {
    word: status
    for status, words in {
        SUBSCRIBED: """
            subscribed, subscribe, subscriber, active, confirmed, enabled, opted in, opt in,
            optin, opted-in, regular, premium, gifted, member, granted, consented,
            subscribed email, single opt-in, double opt-in, single optin, double optin,
            confirmed opt-in, explicit, express, implied, deliverable, on_list, aktif,
            berlangganan, abonniert, aktiv, bestätigt, angemeldet, eingetragen, abonné,
            abonnée, actif, inscrit, confirmé, suscrito, activo, confirmado, iscritto, attivo,
            confermato, inscrito, ativo, assinante, ingeschreven, aangemeld, actief,
            geabonneerd, zapisany, aktywny, subskrybuje, přihlášen, aktivní, feliratkozott,
            feliratkozva, aktív, abonat, activ, prenumererar, prenumerant, abonnerer, tilmeldt,
            påmeldt, tilattu, tilaaja, aktiivinen, подписан, активен, активный, подписчик,
            підписаний, активний, εγγεγραμμένος, ενεργός, abone, 購読中, 登録済み, 有効,
            已订阅, 已訂閱, 订阅, 구독중, 구독, 수신, مشترك, نشط, רשום, פעיל, מנוי, đã đăng ký,
            đang hoạt động, สมัครแล้ว, सदस्य, सब्सक्राइब""",
        UNCONFIRMED: """
            unconfirmed, pending, waiting, not confirmed, nonconfirmed, awaiting confirmation,
            awaiting, validating, unactivated, unverified, unvalidated, not verified,
            pending opt-in, pending confirmation, confirmation pending,
            waiting for confirmation, pending double opt-in, opt-in pending, invited,
            inactive unconfirmed, belum dikonfirmasi, menunggu, unbestätigt, ausstehend,
            nicht bestätigt, en attente, non confirmé, pendiente, sin confirmar, no confirmado,
            in attesa, non confermato, pendente, não confirmado, onbevestigd, niet bevestigd,
            in afwachting, niepotwierdzony, oczekujący, nepotvrzeno, čekající,
            megerősítésre vár, függőben, neconfirmat, în așteptare, obekräftad, väntande,
            ubekræftet, afventer, ubekreftet, venter, vahvistamaton, odottaa, не подтвержден,
            не подтверждён, неподтвержден, ожидает, ожидает подтверждения, непідтверджений,
            очікує, μη επιβεβαιωμένος, σε αναμονή, onaylanmamış, beklemede, onay bekliyor,
            未確認, 確認待ち, 仮登録, 未确认, 未確認的, 待确认, 미확인, 대기, 대기중, غير مؤكد,
            معلق, قيد الانتظار, ממתין, לא מאושר, chưa xác nhận, đang chờ, รอยืนยัน,
            ยังไม่ยืนยัน, लंबित""",
        UNSUBSCRIBED: """
            unsubscribed, unsubscribe, opted out, optout, opt out, removed, left, cancelled,
            canceled, deleted, archived, by_user, by_moderator, unsubscribed by user, revoked,
            withdrawn, declined, refused, denied, opted-out email, unsubscribes,
            disabled by user, admin_unsubscribed, user_unsubscribed, unsubscribed all,
            user suppressed, berhenti, berhenti berlangganan, abgemeldet, ausgetragen,
            gelöscht, désabonné, désabonnée, désinscrit, désinscrite, dado de baja, baja,
            desuscrito, cancelado, eliminado, disiscritto, cancellato, descadastrado, removido,
            não inscrito, uitgeschreven, afgemeld, verwijderd, wypisany, wypisano, odhlášen,
            odhlášeno, odhlásený, leiratkozott, leiratkozva, dezabonat, avregistrerad,
            avslutad, avanmäld, avmeldt, afmeldt, frameldt, peruutettu, peruuttanut, poistunut,
            отписан, отписался, отписана, удален, удалён, відписаний, відписався, διαγραμμένος,
            διαγράφηκε, abonelikten çıktı, abonelikten çıkmış, ayrıldı, 配信停止, 購読解除,
            解除済み, 退会, 退会済み, 退订, 已退订, 取消订阅, 已取消订阅, 退訂, 取消訂閱,
            已取消訂閱, 수신거부, 구독취소, 구독 취소, 해지, ألغى الاشتراك, إلغاء الاشتراك,
            غير مشترك, הוסר, ביטל מנוי, לא רשום, đã hủy đăng ký, hủy đăng ký, ยกเลิกแล้ว,
            ยกเลิกการสมัคร, सदस्यता रद्द, अनसब्सक्राइब""",
        BOUNCED: """
            bounced, bounce, hard bounce, hardbounce, hard bounced, hardbounced, cleaned,
            undeliverable, by_bounces, bounced hard, invalid, invalid email, invalid_email,
            on hold, hard_bounce, permanent bounce, permanent, mailbox unavailable,
            does not exist, unzustellbar, rebotado, rebote, rimbalzato, rejeté, non délivrable,
            devolvido, rejeitado, teruggestuurd, onbestelbaar, odbity, odbito, nedoručitelné,
            visszapattant, respins, studsad, studsade, afvist, avvist, отказ, возврат,
            недоставлен, повернено, geri döndü, バウンス, エラー, 退信, 退回, 반송, 반송됨,
            مرتد, חזר, bị trả lại, ตีกลับ, बाउंस""",
        COMPLAINED: """
            complained, complaint, spam, abuse, spam complaint, spam complaints, junk,
            marked as spam, spammy, spam report, reported as spam, reported spam, malicious,
            spam_complaint, als spam markiert, spam gemeldet, beschwerde, plainte,
            signalé comme spam, queja, marcado como spam, segnalato come spam,
            marcado como spam, reclamação, klacht, gemarkeerd als spam, zgłoszono spam, skarga,
            stížnost, panasz, plângere, жалоба, пометил как спам, скарга, παράπονο, şikayet,
            spam olarak işaretlendi, 迷惑メール, 苦情, 投诉, 垃圾邮件, 投訴, 스팸신고,
            스팸 신고, شكوى, תלונה, keluhan, khiếu nại, ร้องเรียน""",
        BLOCKED: f"""
            blocklisted, {OLD_WORD}ed, {OLD_WORD}, blocklist, blocked, suppressed, disabled,
            do not mail, do not contact, do not email, dnc, banned, gesperrt, bloqué, bloqueado,
            bloccato, geblokkeerd, zablokowany, заблокирован, engelli, engellendi, ブロック, 拉黑,
            已屏蔽, 차단, diblokir""",
        LEFT_OUT: """
            nonsubscribed, non-subscribed, non subscribed, never_subscribed, never subscribed,
            not subscribed, notsubscribed, not_subscribed, no consent, never opted in,
            not opted in, transactional, transactional only, nicht abonniert, non abonné, non
            inscrit, no suscrito, non iscritto, niet ingeschreven, belum berlangganan, 未購読,
            未订阅, 未訂閱, 미구독""",
    }.items()
    for word in folded(words)
}
# Words that say it in one tool only; `sources` says what they mean in which.
UNCLEAR_WORDS = frozenset(folded("inactive, soft bounced, soft bounce, softbounce, cold"))
# Which words a column of any name can't hold by chance.
CLEAR_PIECES = folded(
    """
    subscri, confirm, bounce, optedout, abgemeld, abonn, desinscri, disiscri, iscritt, inscri,
    suscri, dadodebaja, uitgeschrev, afgemeld, wypisan, zapisan, odhlas, leiratkoz, отпис, подпис,
    відпис, підпис, 退订, 订阅, 訂閱, 配信停止, 購読, 수신거부, 구독, berlangganan, dangky"""
)
CLEAR_WORDS = frozenset(
    word
    for word in STATUS_WORDS
    if word not in {"subscriber", "confirmed"} and any(piece in word for piece in CLEAR_PIECES)
)
YES = frozenset({"✓", "✔", "☑", "☒", "✗", "✅"}) | set(
    folded("""
    1, true, t, yes, y, on, ya, iya, benar, x, ja, si, sí, oui, o, sim, s, sì, wahr, vrai,
    verdadero, verdadeiro, vero, waar, tak, prawda, ano, pravda, igen, igaz, da, adevărat, sant,
    sann, sandt, kyllä, tosi, да, истина, так, ναι, αληθές, evet, doğru, はい, 是, 예, 네, نعم, כן,
    có, đúng, ใช่, हाँ, checked, granted, given, accepted, agreed, allowed, enabled, 有, 真""")
)
NO = frozenset({"-", "–", "—", "❌"}) | set(
    folded("""
        0, false, f, no, n, off, tidak, salah, nein, falsch, non, faux, falso, não, nao, nee,
        onwaar, nie, fałsz, ne, nepravda, nem, hamis, nu, fals, nej, falskt, falsk, nei, ei,
        epätosi, нет, ложь, ні, хибність, όχι, ψευδές, hayır, yanlış, いいえ, 否, 아니요,
        아니오, لا, לא, không, sai, ไม่, नहीं, unchecked, never, none, not given, not set, 无,
        無, 假""")
)
EMPTY = frozenset({"", *folded("null, nil, n/a, na, nan, none, undefined, empty")})
